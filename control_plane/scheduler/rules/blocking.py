"""Why the job in front of a line waits: constraints with their numbers, the one that decides first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from control_plane.scheduler.rules.accounts import Accounts, least
from control_plane.scheduler.rules.board import LineKey, Situation, Slot, Waiting
from control_plane.scheduler.rules.needs import Kind, Need
from control_plane.scheduler.rules.reservations import Reservation, Withheld
from control_plane.scheduler.rules.rooms import Room
from control_plane.scheduler.rules.turns import Turns

ConstraintKind = Literal[
    "quota_experiment", "quota_operator", "never_fits", "no_free_gpu", "no_free_cpu", "no_free_memory", "foreign",
    "lost", "quarantined", "reserved", "draining", "behind", "first", "give_way",
]  # fmt: skip
What = Literal["gpus", "shares", "slices", "cpus", "memory", "jobs"]


@dataclass(frozen=True)
class Constraint:
    """One thing that keeps a job from starting; what does not apply is None."""

    kind: ConstraintKind
    what: What | None = None
    needs: float | None = None
    """So much the job asks for; of time, so many seconds it may take."""
    has: float | None = None
    """So much there is: free where it is about what is free, in use where it is about a quota."""
    most: float | None = None
    """The quota, or what the machine has that is best for it."""
    who: str | None = None
    """The experiment or the operator of a quota."""
    job_id: str | None = None
    number: int | None = None
    """The job that it is behind, or that gives way."""
    until: float | None = None


@dataclass(frozen=True)
class Blocked:
    """A job that waits, and why."""

    job_id: str
    number: int
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True)
class _Sight:
    """What one machine has of a need: all there is, what is usable, and what is free, what is kept included."""

    wanted: int
    every: int
    usable: int
    free: int
    states: Mapping[str, int]
    cpus: tuple[int, int]
    memory: tuple[float, float]

    def shortfall(self, need: Need) -> tuple[float, float, float]:
        """How far it is from fitting, less is nearer."""
        memory = max(0.0, need.memory_bytes - self.memory[1]) if need.memory_bytes else 0.0
        return max(0, self.wanted - self.free), max(0, need.cpus - self.cpus[1]), memory


@dataclass
class Explainer:
    """The board as a plan has left it."""

    situation: Situation
    rooms: Sequence[Room]
    accounts: Accounts
    turns: Turns
    withheld: Withheld | None
    known: dict[Need, tuple[Constraint, ...]] = field(default_factory=dict)

    def blocked(self, reservation: Reservation | None) -> dict[LineKey, Blocked]:
        return {key: self._why(key, job, reservation) for key, job in self.turns.lines()}

    def _why(self, key: LineKey, job: Waiting, reservation: Reservation | None) -> Blocked:
        need = Need.of(job.resources)
        found = [*self._over_quota(key, need), *self._of_the_slots(need)]
        if reservation is not None:
            found += _order(job, reservation, is_short=not found)
        return Blocked(job.job_id, job.number, tuple(found))

    def _over_quota(self, key: LineKey, need: Need) -> list[Constraint]:
        excess = self.accounts.excess(key, least(need, self.rooms))
        if excess is None:
            return []
        kind: ConstraintKind = "quota_experiment" if excess.of == "experiment" else "quota_operator"
        return [Constraint(kind, excess.what, excess.asks, excess.has, excess.most, excess.who)]

    def _of_the_slots(self, need: Need) -> tuple[Constraint, ...]:
        if need not in self.known:
            sights = [self._look(room, need) for room in self.rooms]
            self.known[need] = tuple(_missing(need, sights))
        return self.known[need]

    def _look(self, room: Room, need: Need) -> _Sight:
        fitting = [slot for slot in room.slots if slot.kind != "cpu" and _would_do(need, slot)]
        states: dict[str, int] = {}
        for slot in fitting:
            states[slot.state] = states.get(slot.state, 0) + 1
        free = sum(1 for slot in fitting if slot.is_usable and self._is_free(room, slot, need))
        kept = self.withheld if self.withheld is not None and self.withheld.room is room else None
        cpus = len(room.cpus) + (len(kept.cpus) if kept else 0)
        memory = room.memory_bytes + (kept.memory_bytes if kept else 0)
        total = sum(1 for slot in room.slots if slot.kind == "cpu")
        return _Sight(
            room.wanted(need), len(fitting), states.pop("usable", 0), free, states, (total, cpus),
            (room.budget_bytes, memory),
        )  # fmt: skip

    def _is_free(self, room: Room, slot: Slot, need: Need) -> bool:
        card = room.cards[slot.slot_id]
        kept = self.withheld.masks.get(slot.slot_id, 0) if self.withheld is not None else 0
        return (card.free | kept).bit_count() >= (need.units_on(card.kind) or 0)


def _would_do(need: Need, slot: Slot) -> bool:
    return need.allows(slot) and need.units_on(Kind.of(slot)) is not None


def _missing(need: Need, sights: Sequence[_Sight]) -> Iterable[Constraint]:
    what = what_of(need)
    able = [one for one in sights if one.every >= one.wanted and one.cpus[0] >= need.cpus]
    able = [one for one in able if not need.memory_bytes or one.memory[0] >= need.memory_bytes]
    if not able:
        return _never(need, sights)
    nearest = min(able, key=lambda one: (one.usable < one.wanted, one.shortfall(need)))
    found = []
    if nearest.free < nearest.wanted:
        if nearest.usable >= nearest.wanted:
            found.append(Constraint("no_free_gpu", what, nearest.wanted, nearest.free, nearest.usable))
        for state, count in nearest.states.items():
            kind: ConstraintKind = state  # type: ignore[assignment]
            found.append(Constraint(kind, what, nearest.wanted, count, nearest.every))
    if nearest.cpus[1] < need.cpus:
        found.append(Constraint("no_free_cpu", "cpus", need.cpus, nearest.cpus[1], nearest.cpus[0]))
    if need.memory_bytes and nearest.memory[1] < need.memory_bytes:
        found.append(Constraint("no_free_memory", "memory", need.memory_bytes, nearest.memory[1], nearest.memory[0]))
    return found


def _never(need: Need, sights: Sequence[_Sight]) -> Iterable[Constraint]:
    """What the machine lacks that comes nearest."""
    best = max(sights, key=lambda one: (one.every >= one.wanted, one.cpus[0], one.every), default=None)
    if best is None:
        return [Constraint("never_fits", "cpus", need.cpus, 0, 0)]
    short: list[tuple[What, float, float]] = [
        (what_of(need), best.wanted, best.every),
        ("cpus", need.cpus, best.cpus[0]),
        ("memory", need.memory_bytes, best.memory[0]),
    ]
    return [Constraint("never_fits", what, asked, has, has) for what, asked, has in short if has < asked]


def what_of(need: Need) -> What:
    if need.profile is not None:
        return "slices"
    return "gpus" if need.share is None else "shares"


def _order(job: Waiting, reservation: Reservation, *, is_short: bool) -> list[Constraint]:
    """What the reservation has to do with it."""
    if job.job_id != reservation.job_id:
        kept = Constraint("behind", needs=job.most_seconds, job_id=reservation.job_id, number=reservation.number)
        return [_until(kept, reservation.at)] if is_short else []
    ways = [Constraint("give_way", job_id=way.job_id, until=reservation.at) for way in reservation.give_ways]
    return [*ways, Constraint("first", number=job.number, job_id=job.job_id, until=reservation.at)]


def _until(constraint: Constraint, at: float) -> Constraint:
    return Constraint(**{**constraint.__dict__, "until": at})
