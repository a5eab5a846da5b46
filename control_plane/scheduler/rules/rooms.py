"""What is free on one machine while a plan is made, and the tightest way to fit a need into it."""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from control_plane.scheduler.rules.board import Grant, Node, Running, Slot
from control_plane.scheduler.rules.needs import Kind, Need

PRESENT = frozenset({"usable", "foreign"})
"""The states of a GPU that a machine is said to have, for jobs that take one where there is one."""
STALE = 64
MOST_NEEDS = 1000
"""What is known of so many needs is kept."""
Score = tuple[bool, int, int, int, int, int]
"""Less is tighter: breaks a whole GPU, units left over, memory beyond the need, whole GPUs and CPUs of the machine,
and its place in the list."""


@dataclass(slots=True)
class Card:
    """A usable GPU, or slice of one, and its free units as a mask."""

    slot: Slot
    order: int
    kind: Kind
    free: int
    count: int


@dataclass(slots=True)
class Pile:
    """Cards of one kind by how many of their units are free; the first in the list is taken first."""

    kind: Kind
    heaps: list[list[tuple[int, str]]]

    def add(self, card: Card) -> None:
        heappush(self.heaps[card.count], (card.order, card.slot.slot_id))

    def tidy(self, cards: Mapping[str, Card]) -> None:
        """Drop what is stale, once there is more of that than of anything else."""
        if sum(map(len, self.heaps)) > STALE + 2 * len(cards):
            for count, heap in enumerate(self.heaps):
                heap[:] = sorted({each for each in heap if cards[each[1]].count == count})


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to fit a need into a machine."""

    score: Score
    room: "Room"
    cards: tuple[tuple[Card, int], ...]
    """With how many units of each."""


@dataclass
class Room:
    """One machine."""

    name: str
    index: int
    slots: list[Slot] = field(default_factory=list)
    cards: dict[str, Card] = field(default_factory=dict)
    piles: dict[Kind, Pile] = field(default_factory=dict)
    cpus: list[str] = field(default_factory=list)
    """Free ones, the last of the list first."""
    usable_cpus: frozenset[str] = frozenset()
    memory_bytes: float = float("inf")
    """Free of its budget."""
    whole: int = 0
    """GPUs that nobody has a part of."""
    counts: dict[Need, int] = field(default_factory=dict)
    suits: dict[Need, dict[str, tuple[Card, int]]] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    """What was free of each card that changed since the room was settled."""
    settled: tuple[list[str], float] | None = None
    """The free CPU slots and memory then."""

    def settle(self) -> None:
        """Stand as it is now: whatever a plan takes from here on is put back."""
        self.moved.clear()
        self.settled = self.cpus.copy(), self.memory_bytes
        for pile in self.piles.values():
            pile.tidy(self.cards)
        if len(self.suits) > MOST_NEEDS:
            self.suits.clear()
            self.counts.clear()

    def put_back(self) -> None:
        """Stand as it was settled."""
        if self.settled is not None:
            self.cpus, self.memory_bytes = self.settled
        for slot_id, free in list(self.moved.items()):
            self.set_free(self.cards[slot_id], free)

    def suitable(self, need: Need) -> dict[str, tuple[Card, int]]:
        """The cards that would do if they were free, with the units that the need takes of one."""
        found = self.suits.get(need)
        if found is None:
            cards = ((card, need.units_on(card.kind)) for card in self.cards.values() if need.allows(card.slot))
            found = {card.slot.slot_id: (card, units) for card, units in cards if units is not None}
            self.suits[need] = found
        return found

    def wanted(self, need: Need) -> int:
        """How many GPUs or slices the need takes here."""
        if not need.gpus_where_present:
            return need.gpus
        if need not in self.counts:
            has = sum(
                1
                for slot in self.slots
                if slot.kind != "cpu"
                and slot.state in PRESENT
                and need.units_on(Kind.of(slot)) is not None
                and need.allows(slot)
            )
            self.counts[need] = need.most_gpus if has >= need.gpus_where_present else need.gpus
        return self.counts[need]

    def choose(self, need: Need) -> Choice | None:
        """The tightest way to fit a need, if there is one."""
        if len(self.cpus) < need.cpus or 0 < need.memory_bytes > self.memory_bytes:
            return None
        wanted = self.wanted(need)
        picked = self._pick(need, wanted) if wanted else ()
        if picked is None:
            return None
        breaks = any(units < card.count == card.kind.units for card, units in picked)
        left = sum(card.count - units for card, units in picked)
        memory = max((card.kind.memory_bytes or 0 for card, _ in picked), default=0)
        return Choice((breaks, left, memory, self.whole, len(self.cpus), self.index), self, picked)

    def _pick(self, need: Need, wanted: int) -> tuple[tuple[Card, int], ...] | None:
        found = self._named(need) if need.only else self._first_of_piles(need, wanted)
        ranked = sorted(found, key=lambda each: _tightness(need, *each))[:wanted]
        return tuple(ranked) if len(ranked) == wanted else None

    def _named(self, need: Need) -> Iterator[tuple[Card, int]]:
        return ((card, units) for card, units in self.suitable(need).values() if card.count >= units)

    def _first_of_piles(self, need: Need, wanted: int) -> Iterator[tuple[Card, int]]:
        """Of each kind that would do, the cards with least to spare: a few of each suffice to find the tightest."""
        for pile in self.piles.values():
            units = need.units_on(pile.kind)
            if units is None:
                continue
            yield from ((card, units) for card in self._tightest(pile, units, wanted))

    def _tightest(self, pile: Pile, units: int, wanted: int) -> list[Card]:
        found: list[Card] = []
        for count in range(units, pile.kind.units + 1):
            found += self._first(pile.heaps[count], count, wanted - len(found))
            if len(found) >= wanted:
                break
        return found

    def _first(self, heap: list[tuple[int, str]], count: int, wanted: int) -> list[Card]:
        """The first cards of a heap that still have so many units free; what is stale in it is dropped."""
        found: dict[str, Card] = {}
        while heap and len(found) < wanted:
            _order, slot_id = heappop(heap)
            card = self.cards[slot_id]
            if card.count == count:
                found[slot_id] = card
        for card in found.values():
            heappush(heap, (card.order, card.slot.slot_id))
        return list(found.values())

    def take(self, choice: Choice, need: Need) -> tuple[Grant, ...]:
        """Take what was chosen off what is free."""
        grants = [self._take_units(card, units) for card, units in choice.cards]
        grants += [Grant(self.cpus.pop()) for _ in range(need.cpus)]
        self.memory_bytes -= need.memory_bytes
        return tuple(grants)

    def _take_units(self, card: Card, units: int) -> Grant:
        chosen = bits(card.free)[:units]
        self.set_free(card, card.free & ~mask(chosen))
        return Grant(card.slot.slot_id, chosen)

    def set_free(self, card: Card, free: int) -> None:
        """Change which units of a card are free."""
        was = card.count
        self.moved.setdefault(card.slot.slot_id, card.free)
        card.free, card.count = free, free.bit_count()
        if card.kind.kind == "gpu":
            self.whole += (card.count == card.kind.units) - (was == card.kind.units)
        self.piles[card.kind].add(card)

    def set_cpu(self, slot_id: str, places: Mapping[str, int], *, is_free: bool) -> None:
        """A CPU slot came free, or is taken; `places` is the order of the free ones."""
        if is_free:
            insort(self.cpus, slot_id, key=places.__getitem__)
        elif slot_id in self.cpus:
            self.cpus.remove(slot_id)


def _tightness(need: Need, card: Card, units: int) -> tuple[bool, bool, int, int, int]:
    breaks = units < card.count == card.kind.units
    return not need.is_exact(card.kind), breaks, card.count - units, card.kind.memory_bytes or 0, card.order


def bits(free: int) -> tuple[int, ...]:
    """The units in a mask, the lowest first."""
    return tuple(unit for unit in range(free.bit_length()) if free >> unit & 1)


def mask(units: Sequence[int]) -> int:
    """Units, the lowest first, as a mask."""
    if not units:
        return 0
    if units[-1] - units[0] + 1 == len(units):  # as most are: all in one piece
        return ((1 << len(units)) - 1) << units[0]
    made = 0
    for unit in units:
        made |= 1 << unit
    return made


def rooms_of(slots: Sequence[Slot], nodes: Iterable[Node], running: Iterable[Running]) -> list[Room]:
    """Every machine with what is free on it now."""
    held: dict[str, int] = {}
    for attempt in running:
        for grant in attempt.grants:
            held[grant.slot_id] = held.get(grant.slot_id, 0) | mask(grant.units)
    rooms: dict[str, Room] = {}
    for slot in slots:
        room = rooms.get(slot.node)
        if room is None:
            room = rooms[slot.node] = Room(slot.node, len(rooms))
        room.slots.append(slot)
    for room in rooms.values():
        _furnish(room, held)
    _budget(rooms, slots, nodes, running)
    return list(rooms.values())


def _furnish(room: Room, held: Mapping[str, int]) -> None:
    usable = [slot for slot in room.slots if slot.state == "usable"]
    cpus = [slot.slot_id for slot in usable if slot.kind == "cpu"]
    room.usable_cpus = frozenset(cpus)
    room.cpus = [slot_id for slot_id in reversed(cpus) if slot_id not in held]
    for order, slot in enumerate(usable):
        if slot.kind != "cpu":
            free = ((1 << slot.units) - 1) & ~held.get(slot.slot_id, 0)
            _stand(room, Card(slot, order, Kind.of(slot), free, free.bit_count()))
    for pile in room.piles.values():
        for heap in pile.heaps:
            heapify(heap)


def _stand(room: Room, card: Card) -> None:
    room.cards[card.slot.slot_id] = card
    if card.kind not in room.piles:
        room.piles[card.kind] = Pile(card.kind, [[] for _ in range(card.kind.units + 1)])
    room.piles[card.kind].heaps[card.count].append((card.order, card.slot.slot_id))
    room.whole += card.kind.kind == "gpu" and card.count == card.kind.units


def _budget(
    rooms: Mapping[str, Room], slots: Iterable[Slot], nodes: Iterable[Node], running: Iterable[Running]
) -> None:
    """The memory of each machine that has a limit, less what its attempts were given."""
    limits = {node.name: node.memory_bytes for node in nodes if node.memory_bytes is not None and node.name in rooms}
    for name, memory_bytes in limits.items():
        rooms[name].memory_bytes = memory_bytes
    if limits:
        where = {slot.slot_id: slot.node for slot in slots}
        for attempt in running:
            if attempt.grants and attempt.grants[0].slot_id in where:
                rooms[where[attempt.grants[0].slot_id]].memory_bytes -= attempt.memory_bytes
