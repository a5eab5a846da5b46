"""The machines from plan to plan: what a plan took is put back, and only what has changed since is changed.

They are at each plan as `rooms_of` would furnish them anew, which costs as much as there are slots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from control_plane.scheduler.rules.accounts import parts_of, worth_of
from control_plane.scheduler.rules.board import Node, Running, Situation, Slot
from control_plane.scheduler.rules.rooms import Room, mask, rooms_of


@dataclass(slots=True)
class _Held:
    """An attempt, and what it holds of each slot, as a mask."""

    attempt: Running
    masks: dict[str, int]

    @classmethod
    def by(cls, attempt: Running) -> "_Held":
        masks: dict[str, int] = {}
        for grant in attempt.grants:
            masks[grant.slot_id] = masks.get(grant.slot_id, 0) | mask(grant.units)
        return cls(attempt, masks)


@dataclass
class Machines:
    """Kept by whoever plans again and again; used by one thread."""

    rooms: Sequence[Room] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    """Of a GPU, that one unit of each slot is; CPU slots have none."""
    rates: dict[str, float] = field(default_factory=dict)
    """What a second of each attempt counts."""
    homes: Mapping[str, Room] = field(default_factory=dict)
    """The machine of each slot."""
    _slots: Sequence[Slot] | None = None
    _nodes: Sequence[Node] = ()
    _places: Mapping[str, int] = field(default_factory=dict)
    """Of each CPU slot, in the order in which the free ones of a machine are kept."""
    _attempts: dict[str, _Held] = field(default_factory=dict)
    _holders: dict[str, dict[str, int]] = field(default_factory=dict)

    def follow(self, situation: Situation) -> "Machines":
        """Be as the situation is; in any order, each may differ from the one before in whatever way."""
        if self._slots is None or (self._slots, self._nodes) != (situation.slots, situation.nodes):
            self._furnish(situation)
        for room in self.rooms:
            room.put_back()
        now = {attempt.job_id: attempt for attempt in situation.running}
        assert len(now) == len(situation.running)  # noqa: S101 - a job has one attempt at a time
        for job_id in [job_id for job_id, held in self._attempts.items() if now.get(job_id) is not held.attempt]:
            self._let_go(job_id)
        for job_id, attempt in now.items():
            if job_id not in self._attempts:
                self._hold(attempt)
        for room in self.rooms:
            room.settle()
        return self

    def _furnish(self, situation: Situation) -> None:
        self._slots, self._nodes = situation.slots, situation.nodes
        self.rooms = rooms_of(situation.slots, situation.nodes, ())
        self.parts, self.homes = parts_of(situation.slots), {}
        self.homes = {slot.slot_id: room for room in self.rooms for slot in room.slots}
        self._places = {slot_id: -place for room in self.rooms for place, slot_id in enumerate(reversed(room.cpus))}
        self._attempts, self._holders, self.rates = {}, {}, {}

    def _hold(self, attempt: Running) -> None:
        held = self._attempts[attempt.job_id] = _Held.by(attempt)
        self.rates[attempt.job_id] = worth_of(attempt.grants, self.parts).rate
        for slot_id, units in held.masks.items():
            self._holders.setdefault(slot_id, {})[attempt.job_id] = units
            self._renew(slot_id)
        self._charge(attempt, 1)

    def _let_go(self, job_id: str) -> None:
        held = self._attempts.pop(job_id)
        del self.rates[job_id]
        for slot_id in held.masks:
            holders = self._holders[slot_id]
            del holders[job_id]
            if not holders:
                del self._holders[slot_id]
            self._renew(slot_id)
        self._charge(held.attempt, -1)

    def _charge(self, attempt: Running, sign: int) -> None:
        """The memory of an attempt counts where the first of its slots is."""
        room = self.homes.get(attempt.grants[0].slot_id) if attempt.grants else None
        if room is not None:
            room.memory_bytes -= sign * attempt.memory_bytes

    def _renew(self, slot_id: str) -> None:
        """What is free of a slot, by who holds it now."""
        room = self.homes.get(slot_id)
        if room is None:
            return
        holders = self._holders.get(slot_id)
        if slot_id in room.cards:
            taken = 0
            for units in holders.values() if holders else ():
                taken |= units
            card = room.cards[slot_id]
            room.set_free(card, ((1 << card.slot.units) - 1) & ~taken)
        elif slot_id in room.usable_cpus:
            room.set_cpu(slot_id, self._places, is_free=not holders)
