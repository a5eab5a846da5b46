"""Machines, and GPUs, that fail whatever they are given get nothing more, then one job at a time: pure functions.

What counts is a failure that is not the job's own: the machine could not start it, or lost it. After three in a row,
those under way counted, the machine rests; then one job tries it out, and each failure doubles the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from control_plane.scheduler.rules.board import Placement, Slot

MOST_FAILURES = 3
FIRST_REST_SECONDS = 60.0
LONGEST_REST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Health:
    """What is held against a machine or a GPU; one of which nothing is known has none."""

    failures: int
    """In a row."""
    since: float
    """The first of them."""
    rests_until: float | None = None
    """None: it has not failed often enough."""
    rest_seconds: float = 0.0
    why: str = ""

    @property
    def is_open(self) -> bool:
        return self.rests_until is not None


def failed(health: Health | None, now: float, why: str) -> Health:
    """Once more it was not the job's fault."""
    known = health or Health(0, now)
    failures = known.failures + 1
    if failures < MOST_FAILURES:
        return replace(known, failures=failures, why=why)
    rest = min(2 * known.rest_seconds or FIRST_REST_SECONDS, LONGEST_REST_SECONDS)
    return replace(known, failures=failures, rests_until=now + rest, rest_seconds=rest, why=why)


def allowance(health: Health | None, under_way: int, now: float) -> int | None:
    """How many more attempts may start there; None is no limit. `under_way` are those since its first failure."""
    if health is None:
        return None
    if health.rests_until is None:
        return max(0, MOST_FAILURES - health.failures - under_way)
    return 0 if now < health.rests_until else max(0, 1 - under_way)


def name_of(node: str) -> str:
    """What the health of a machine is kept under; that of a GPU is under its id."""
    return f"node:{node}"


def words(health: Health, *, is_machine: bool) -> str:
    """Why nothing is given there."""
    return f"{'the machine' if is_machine else 'it'} failed {health.failures} jobs in a row, last: {health.why}"


@dataclass(frozen=True)
class Breaker:
    """Everything that is held against machines and GPUs, and how many attempts on each have started since."""

    known: Mapping[str, Health]
    under_way: Mapping[str, int]
    now: float

    def left(self, name: str) -> int | None:
        return allowance(self.known.get(name), self.under_way.get(name, 0), self.now)

    def guarded(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """The slots as placement is to see them."""
        return [self._guarded(slot) for slot in slots] if self.known else slots

    def _guarded(self, slot: Slot) -> Slot:
        for name in (name_of(slot.node), slot.slot_id):
            if slot.is_usable and self.left(name) == 0:
                return replace(slot, state="quarantined", why=self._words(name))
        return slot

    def _words(self, name: str) -> str:
        return words(self.known[name], is_machine=name.startswith("node:"))

    def within(self, placements: Sequence[Placement], nodes: Mapping[str, str]) -> list[Placement]:
        """Of what was planned, what may start now; `nodes` says where a slot is.

        That ends before the first that may not: nobody overtakes it until the next plan finds it another place.
        """
        taken: dict[str, int] = {}
        return list(takewhile(lambda placement: self._takes(placement, nodes, taken), placements))

    def _takes(self, placement: Placement, nodes: Mapping[str, str], taken: dict[str, int]) -> bool:
        names = names_of(placement.slots, nodes)
        left = [(name, self.left(name)) for name in names]
        if any(limit is not None and taken.get(name, 0) >= limit for name, limit in left):
            return False
        for name in names:
            taken[name] = taken.get(name, 0) + 1
        return True


def names_of(slot_ids: Sequence[str], nodes: Mapping[str, str]) -> list[str]:
    """What an attempt on these slots says something about: its machine and its GPUs."""
    machines = dict.fromkeys(name_of(nodes.get(slot_id, "")) for slot_id in slot_ids)
    return [*machines, *(slot_id for slot_id in slot_ids if "cpu:" not in slot_id)]
