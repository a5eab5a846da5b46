"""When waiting jobs start: the queue ahead of them played through many times with durations like those of past runs.

The band holds a start in eight of ten cases if the queue stays as it is: no job comes that goes before, and none is
cancelled. The first two hundred are played out; those behind follow at the pace of these.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from control_plane.scheduler.rules.board import GPU_UNITS, Quota
from control_plane.scheduler.rules.durations import Chance, Durations
from control_plane.scheduler.rules.model import Model, Part, Want
from store_client.wire.jobs import Resources

EXACTLY = 200
"""So many waiting jobs are played out."""
REPLICATES = 64
FEWEST_REPLICATES = 24
FEW_RUNNING = 64
LOW, LIKELY, HIGH = 0.08, 0.5, 0.92
"""A little wider than eight of ten, for what the model leaves out of the order of placement."""
NO_QUOTA = Quota()
Owner = tuple[str, str, float]
"""Experiment, operator, and the GPUs that an attempt holds."""


@dataclass(frozen=True, slots=True)
class Next:
    """A waiting job; its place is that in the list."""

    job_id: str
    experiment_id: str
    operator: str
    resources: Resources
    most_seconds: float
    takes: Durations

    @property
    def alike(self) -> tuple[object, ...]:
        """Jobs that are alike in this fit at the same moments."""
        return (self.experiment_id, self.operator, self.resources, self.most_seconds)


@dataclass(frozen=True, slots=True)
class Busy:
    """A running attempt."""

    part: Part
    experiment_id: str
    operator: str
    gpus: float
    elapsed: float
    at_most: float
    """It has ended in so many seconds, whatever it does."""
    takes: Durations
    is_ending: bool = False


@dataclass(frozen=True)
class Line:
    """The model of a queue: what is free, what runs, what waits in order, and the quotas."""

    free: Model
    running: Sequence[Busy]
    waiting: Sequence[Next]
    experiment_quotas: Mapping[str, Quota] = field(default_factory=dict)
    operator_quotas: Mapping[str, Quota] = field(default_factory=dict)

    @property
    def has_quotas(self) -> bool:
        return bool(self.experiment_quotas or self.operator_quotas)


@dataclass(frozen=True, slots=True)
class Band:
    """Seconds from now: one start in ten is earlier, half are before the middle, one in ten is later."""

    earliest: float
    likely: float
    latest: float


@dataclass(frozen=True)
class Outlook:
    """The bands of the jobs that were played out, and the pace for those behind."""

    bands: Mapping[str, Band]
    played: int = 0
    reached: tuple[float, ...] = ()
    """When the last of them started, in each replicate."""

    def at(self, position: int) -> Band | None:
        """The band of a job behind those that were played out."""
        if not self.reached or position <= self.played:
            return None
        return _band([one * position / self.played for one in self.reached])


def outlook(line: Line, chance: Chance) -> Outlook:
    """The bands of the first jobs; the same queue and draws give the same bands."""
    game = _Played(line)
    rounds = REPLICATES if len(line.running) <= FEW_RUNNING else FEWEST_REPLICATES
    played = [_Replicate(game, chance).play() for _ in range(rounds)]
    starts: dict[str, list[float]] = {}
    for one in played:
        for job_id, at in one.items():
            starts.setdefault(job_id, []).append(at)
    bands = {job_id: _band(found) for job_id, found in starts.items() if len(found) == rounds}
    reached = tuple(max(one.values(), default=0.0) for one in played) if len(game.waiting) == EXACTLY else ()
    return Outlook(bands, len(game.waiting), reached)


def _band(starts: Sequence[float]) -> Band:
    ordered = sorted(starts)
    return Band(*(ordered[round(part * (len(ordered) - 1))] for part in (LOW, LIKELY, HIGH)))


class _Played:
    """What all replicates of a queue have in common: the jobs by what they need, each shape with where it fits."""

    def __init__(self, line: Line) -> None:
        self.line, self.waiting = line, line.waiting[:EXACTLY]
        self.shapes: list[Next] = []
        self.wants: list[tuple[Want, ...]] = []
        self.queues: list[list[int]] = []
        known: dict[tuple[object, ...], int] = {}
        for place, job in enumerate(self.waiting):
            alike = known.setdefault(job.alike, len(known))
            if alike == len(self.shapes):
                self.shapes.append(job)
                self.wants.append(line.free.wants(job.resources))
                self.queues.append([])
            self.queues[alike].append(place)


class _Replicate:
    """One way in which the queue may go on."""

    def __init__(self, played: _Played, chance: Chance) -> None:
        self._played, self._chance, self._now = played, chance, 0.0
        self._free = played.line.free.copy()
        self._shifts: dict[int, float] = {}
        self._used: dict[tuple[str, str], list[float]] = {}
        self._ends: list[tuple[float, int, float, Part, Owner]] = []
        self._number = 0
        self._starts: dict[str, float] = {}
        self._queues = {alike: deque(places) for alike, places in enumerate(played.queues) if played.wants[alike]}
        for busy in played.line.running:
            left = 0.0 if busy.is_ending else busy.takes.rest(busy.elapsed, chance, self._shift(busy.takes))
            owner = (busy.experiment_id, busy.operator, busy.gpus)
            self._holds((min(max(left, 0.0), busy.at_most), busy.at_most), busy.part, owner)

    def play(self) -> dict[str, float]:
        """The start of each job, in seconds from now; those that nothing frees slots for are missing."""
        while self._queues:
            self._start_all()
            if not self._ends or not self._queues:
                break
            self._now = self._ends[0][0]
            while self._ends and self._ends[0][0] <= self._now:
                *_, part, owner = heapq.heappop(self._ends)
                self._free.give_back(part)
                self._count(owner, part.cpus, -1)
        return self._starts

    def _start_all(self) -> None:
        """Start what fits, in order; for the first that does not, what it will need is kept."""
        heads = [(queue[0], alike) for alike, queue in self._queues.items()]
        heapq.heapify(heads)
        kept: _Kept | None = None
        while heads:
            place, alike = heapq.heappop(heads)
            shape, wants = self._played.shapes[alike], self._played.wants[alike]
            if not self._is_within_quotas(shape):
                continue
            part = self._free.fit(wants)
            if part is None and kept is not None and self._now + shape.most_seconds <= kept.until:
                part = kept.lend(self._free, wants)
            if part is not None:
                self._start(place, alike, part)
                if alike in self._queues:
                    heapq.heappush(heads, (self._queues[alike][0], alike))
            elif kept is None and heads:
                kept = self._keep(alike)
        if kept is not None:
            self._free.give_back(kept.part)

    def _start(self, place: int, alike: int, part: Part) -> None:
        job, queue = self._played.waiting[place], self._queues[alike]
        queue.popleft()
        if not queue:
            del self._queues[alike]
        self._starts[job.job_id] = self._now
        self._free.take(part)
        seconds = min(job.takes.draw(self._chance) * self._shift(job.takes), job.most_seconds)
        gpus = sum(units for _, units in part.cards) / GPU_UNITS
        self._holds((seconds, job.most_seconds), part, (job.experiment_id, job.operator, gpus))

    def _shift(self, takes: Durations) -> float:
        if id(takes) not in self._shifts:
            self._shifts[id(takes)] = takes.shift(self._chance)
        return self._shifts[id(takes)]

    def _holds(self, lasts: tuple[float, float], part: Part, owner: Owner) -> None:
        seconds, at_most = lasts
        self._number += 1
        heapq.heappush(self._ends, (self._now + seconds, self._number, self._now + at_most, part, owner))
        self._count(owner, part.cpus, 1)

    def _count(self, owner: Owner, cpus: int, sign: int) -> None:
        if self._played.line.has_quotas:
            for key in (("experiment", owner[0]), ("operator", owner[1])):
                used = self._used.setdefault(key, [0.0, 0.0, 0.0])
                for place, amount in enumerate((owner[2], cpus, 1)):
                    used[place] += sign * amount

    def _is_within_quotas(self, job: Next) -> bool:
        line, need = self._played.line, job.resources
        if not line.has_quotas:
            return True
        wants = (need.gpu_share or float(need.gpus), float(need.cpus), 1.0)
        experiment = line.experiment_quotas.get(job.experiment_id, NO_QUOTA)
        operator = line.operator_quotas.get(job.operator, NO_QUOTA)
        return self._has_room(("experiment", job.experiment_id), experiment, wants) and self._has_room(
            ("operator", job.operator), operator, wants
        )

    def _has_room(self, key: tuple[str, str], quota: Quota, wants: tuple[float, float, float]) -> bool:
        used = self._used.get(key, [0.0, 0.0, 0.0])
        limits = (quota.gpus, quota.cpus, quota.jobs)
        return all(limit is None or had + wish <= limit for limit, had, wish in zip(limits, used, wants, strict=True))

    def _keep(self, alike: int) -> "_Kept | None":
        """What is free now of what a job needs at the latest, the running ones ending as late as they may."""
        freed, wants = self._free.copy(), self._played.wants[alike]
        until: float | None = None
        for at_most, part in sorted(((one[2], one[3]) for one in self._ends), key=_moment):
            if until is not None and at_most > until:
                break
            freed.give_back(part)
            if until is None and freed.fit(wants) is not None:
                until = at_most
        if until is None:
            return None
        kept = _Kept(until, self._free.kept_for(wants, freed))
        self._free.take(kept.part)
        return kept


@dataclass
class _Kept:
    """What is kept for the first job that does not fit, and until when at the latest."""

    until: float
    part: Part

    def lend(self, free: Model, wants: tuple[Want, ...]) -> Part | None:
        """Room for a job that will have ended by then, on what is kept too."""
        free.give_back(self.part)
        part = free.fit(wants)
        if part is not None:
            free.take(part)
        self.part = free.at_most(self.part)
        if part is not None:
            free.give_back(part)
        free.take(self.part)
        return part


def _moment(one: tuple[float, Part]) -> float:
    return one[0]
