"""What slots are called on pages: GPU 0, slice 1 of node-3, CPU 2."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from store_client import Fleet

KINDS = {"gpu": "GPU", "mig": "slice", "cpu": "CPU"}
NAMED = 3
"""So many slots of one job are named; the rest of them is counted."""


@dataclass(frozen=True)
class SlotNames:
    """The name of each slot of the fleet, in its order."""

    names: Mapping[str, str]
    order: Mapping[str, int]

    @classmethod
    def of(cls, fleet: Fleet) -> "SlotNames":
        count: Counter[tuple[str | None, str]] = Counter()
        names = {}
        for slot in fleet.slots:
            number = count[(slot.node, slot.kind)]
            count[(slot.node, slot.kind)] += 1
            names[slot.slot_id] = f"{KINDS[slot.kind]} {number}" + (f" of {slot.node}" if slot.node else "")
        return cls(names, {slot_id: place for place, slot_id in enumerate(names)})

    def place(self, slots: Iterable[str]) -> int:
        """Where the first of these stands; behind all where none of them is known."""
        return min((self.order.get(one, len(self.order)) for one in slots), default=len(self.order))

    def words(self, slots: Sequence[str]) -> str:
        """These slots, the first of them by name."""
        held = sorted(slots, key=lambda one: self.order.get(one, len(self.order)))
        named = ", ".join(self.names.get(one) or one.replace("cpu:", "CPU ") for one in held[:NAMED])
        return named if len(held) <= NAMED else f"{named} and {len(held) - NAMED:,} more"
