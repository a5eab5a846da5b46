"""What a machine would have for a need once some of its attempts are gone."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from control_plane.scheduler.rules.board import Running
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.rooms import Card, Room, bits, mask


@dataclass(frozen=True)
class Kept:
    """What is free now of what a job will need: nobody gets it who would still have it then."""

    units: dict[str, tuple[int, ...]] = field(default_factory=dict)
    cpus: int = 0
    memory_bytes: float = 0.0


@dataclass
class Outlook:
    """Attempts are let go of one after the other; `fits` says whether the need fits then."""

    room: Room
    need: Need
    wanted: int
    cards: dict[str, tuple[Card, int]]
    """The cards that would do, with the units that the need takes of one."""
    free: dict[str, int]
    ready: int
    cpus: int
    memory_bytes: float

    @classmethod
    def of(cls, room: Room, need: Need) -> "Outlook":
        """A machine as it is now."""
        wanted = room.wanted(need)
        cards = room.suitable(need) if wanted else {}
        ready = sum(1 for card, units in cards.values() if card.count >= units)
        free = {slot_id: card.free for slot_id, (card, _) in cards.items()}
        return cls(room, need, wanted, cards, free, ready, len(room.cpus), room.memory_bytes)

    @property
    def fits(self) -> bool:
        return (
            self.ready >= self.wanted
            and self.cpus >= self.need.cpus
            and (self.memory_bytes >= self.need.memory_bytes or not self.need.memory_bytes)
        )

    def without(self, attempts: Iterable[Running]) -> "Outlook":
        """The same machine when these are gone."""
        later = replace(self, free=dict(self.free))
        for attempt in attempts:
            later.let_go(attempt)
        return later

    def let_go(self, attempt: Running) -> None:
        """One attempt ends."""
        for grant in attempt.grants:
            found = self.cards.get(grant.slot_id)
            if found is not None:
                was = self.free[grant.slot_id]
                self.free[grant.slot_id] = now = was | mask(grant.units)
                self.ready += now.bit_count() >= found[1] > was.bit_count()
            elif grant.slot_id in self.room.usable_cpus:
                self.cpus += 1
        self.memory_bytes += attempt.memory_bytes

    def kept(self) -> tuple[Kept, tuple[str, ...]]:
        """What the need should keep of what is free now, as little as may be, and the slots it will be on."""
        ready = [
            (self._taken_now(slot_id), card, units)
            for slot_id, (card, units) in self.cards.items()
            if self.free[slot_id].bit_count() >= units
        ]
        ready.sort(key=lambda each: (len(each[0]), *_preference(self.need, each[1])))
        chosen = ready[: self.wanted]
        units = {card.slot.slot_id: taken for taken, card, _ in chosen if taken}
        cpus = max(0, self.need.cpus - (self.cpus - len(self.room.cpus)))
        memory = max(0.0, self.need.memory_bytes - (self.memory_bytes - self.room.memory_bytes))
        memory = memory if self.room.memory_bytes < float("inf") else 0.0
        return Kept(units, cpus, memory), tuple(card.slot.slot_id for _, card, _ in chosen)

    def _taken_now(self, slot_id: str) -> tuple[int, ...]:
        """The units that it needs of those that are free now, when it takes first what comes free."""
        card, units = self.cards[slot_id]
        coming = (self.free[slot_id] & ~card.free).bit_count()
        return bits(card.free)[: max(0, units - coming)]


def _preference(need: Need, card: Card) -> tuple[bool, int, int]:
    return not need.is_exact(card.kind), card.kind.memory_bytes or 0, card.order
