"""A model of the slots, coarse and quick: how many units are free on each GPU of a node, and how many CPU slots.

It answers what an estimate has to know, whether a job would fit, and leaves to placement which units it gets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from control_plane.scheduler.rules.board import Grant, Slot
from control_plane.scheduler.rules.needs import Kind, Need
from store_client.wire.jobs import Resources


@dataclass(frozen=True, slots=True)
class Part:
    """What one job holds of the model: the place of its node, CPU slots, and units by the place of a card there."""

    node: int
    cpus: int
    cards: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """What a job needs of one node: so many of these cards, each with the units it takes of it."""

    node: int
    cpus: int
    count: int
    cards: tuple[tuple[int, int], ...]


@dataclass
class Model:
    """The nodes with what is free on them."""

    names: tuple[str, ...] = ()
    cards: Sequence[Sequence[Slot]] = ()
    """The GPUs and slices of each node."""
    cpus: list[int] = field(default_factory=list)
    """The free CPU slots of each node."""
    free: list[list[int]] = field(default_factory=list)
    """The free units of each card of each node."""

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> "Model":
        """All usable slots, all free."""
        nodes: dict[str, list[Slot]] = {}
        for slot in slots:
            if slot.is_usable:
                nodes.setdefault(slot.node, []).append(slot)
        cards = [[slot for slot in here if slot.kind != "cpu"] for here in nodes.values()]
        cpus = [sum(slot.kind == "cpu" for slot in here) for here in nodes.values()]
        return cls(tuple(nodes), cards, cpus, [[slot.units for slot in here] for here in cards])

    def copy(self) -> "Model":
        return Model(self.names, self.cards, self.cpus.copy(), [here.copy() for here in self.free])

    def held(self, grants: Iterable[Grant], homes: Mapping[str, Slot]) -> Part | None:
        """What a running attempt holds of the usable slots, as a part; None when that is nothing."""
        units, cpus, node = dict[str, int](), 0, None
        for grant in grants:
            slot = homes.get(grant.slot_id)
            if slot is not None and slot.is_usable:
                node, is_cpu = slot.node, slot.kind == "cpu"
                cpus += is_cpu
                units |= {} if is_cpu else {slot.slot_id: len(grant.units)}
        if node is None:
            return None
        place = self.names.index(node)
        cards = ((at, units[card.slot_id]) for at, card in enumerate(self.cards[place]) if card.slot_id in units)
        return Part(place, cpus, tuple(cards))

    def take(self, part: Part) -> None:
        self._move(part, -1)

    def give_back(self, part: Part) -> None:
        self._move(part, 1)

    def _move(self, part: Part, sign: int) -> None:
        self.cpus[part.node] += sign * part.cpus
        free = self.free[part.node]
        for place, units in part.cards:
            free[place] += sign * units

    def kept_for(self, wants: Iterable[Want], then: "Model") -> Part:
        """The least of what is free now that a job needs when it starts on what is free then."""
        want = next(one for one in wants if then.fit((one,)) is not None)
        now, later = self.free[want.node], then.free[want.node]
        ready = ((max(0, units - (later[at] - now[at])), at) for at, units in want.cards if later[at] >= units)
        cards = tuple((at, units) for units, at in sorted(ready)[: want.count] if units)
        return Part(want.node, max(0, want.cpus - (then.cpus[want.node] - self.cpus[want.node])), cards)

    def at_most(self, part: Part) -> Part:
        """As much of a part as is free."""
        free = self.free[part.node]
        cards = ((place, min(units, free[place])) for place, units in part.cards)
        return Part(part.node, min(part.cpus, self.cpus[part.node]), tuple(one for one in cards if one[1] > 0))

    def wants(self, asked: Resources) -> tuple[Want, ...]:
        """What a job needs of each node where it fits at all."""
        need = Need.of(asked)
        found = (self._want(node, need) for node in range(len(self.cards)))
        return tuple(one for one in found if one is not None)

    def _want(self, node: int, need: Need) -> Want | None:
        units = ((at, need.units_on(Kind.of(card))) for at, card in enumerate(self.cards[node]) if need.allows(card))
        suitable = tuple((at, taken) for at, taken in units if taken is not None)
        is_present = 0 < need.gpus_where_present <= len(suitable)
        count = need.most_gpus if is_present else need.gpus
        return Want(node, need.cpus, count, suitable if count else ()) if len(suitable) >= count else None

    def fit(self, wants: Iterable[Want]) -> Part | None:
        """Where a job would fit now, the fullest cards first; its part is not taken yet."""
        for want in wants:
            if self.cpus[want.node] < want.cpus:
                continue
            if not want.count:
                return Part(want.node, want.cpus)
            free = self.free[want.node]
            found = sorted((free[place], place, units) for place, units in want.cards if free[place] >= units)
            if len(found) >= want.count:
                return Part(want.node, want.cpus, tuple((place, units) for _, place, units in found[: want.count]))
        return None
