"""A random queue played to its end by placement itself, and what an estimate said of it before."""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from control_plane.scheduler.rules.board import GPU_UNITS, Grant, Policy, Running, Situation, Slot, Waiting
from control_plane.scheduler.rules.durations import Durations
from control_plane.scheduler.rules.eta import Busy, Line, Next, Outlook, outlook
from control_plane.scheduler.rules.lines import lines_of
from control_plane.scheduler.rules.model import Model
from control_plane.scheduler.rules.places import first
from control_plane.scheduler.rules.planning import plan
from store_client.wire.jobs import Resources

NOW = 1_000_000.0
SHAPES = (
    Resources(gpus=1),
    Resources(gpus=1),
    Resources(gpus=2),
    Resources(gpus=1, gpu_share=0.5),
    Resources(cpus=2),
    Resources(gpus=1, cpus=2),
)
MOST_SECONDS = 7200.0


def machine(gpus: int, cpus: int) -> list[Slot]:
    cards = [Slot(f"GPU-{index}", "gpu", 80 * 1024**3, units=GPU_UNITS, index=index) for index in range(gpus)]
    return [*cards, *(Slot(f"cpu:{index}", "cpu") for index in range(cpus))]


def long_queue(count: int, gpus: int = 8) -> Situation:
    """So many waiting jobs of three experiments, every GPU busy."""
    slots = machine(gpus, 4 * gpus)
    jobs = [
        Waiting(f"job_{n}", n, f"exp_{n % 3}", "wkr", 4 + n % 3, n, NOW - n % 500, SHAPES[n % len(SHAPES)], 600.0)
        for n in range(1, count + 1)
    ]
    held = [(Grant(f"GPU-{n}", tuple(range(GPU_UNITS))), Grant(f"cpu:{n}")) for n in range(gpus)]
    running = [
        Running(f"run_{n}", 1, count + n, "exp_0", "wkr", 5, NOW - 60, NOW + 60 * (n + 1), grants)
        for n, grants in enumerate(held)
    ]
    return Situation(NOW, slots, lines_of(jobs), running)


@dataclass
class Played:
    """A queue of some kinds of jobs, each with durations of its own that past runs were drawn from."""

    chance: Random
    slots: list[Slot] = field(init=False)
    truth: dict[Resources, tuple[float, float]] = field(init=False)
    """Mean and spread of the logarithm of durations, by shape."""
    past: dict[Resources, Durations] = field(init=False)
    shapes: dict[int, Resources] = field(default_factory=dict)
    """What each job asked for, by number."""

    def __post_init__(self) -> None:
        chance = self.chance
        self.slots = machine(chance.randint(1, 8), chance.randint(8, 24))
        self.truth = {shape: (chance.uniform(3, 6), chance.uniform(0.1, 0.9)) for shape in SHAPES}
        self.past = {
            shape: Durations.of(self.takes(shape) for _ in range(chance.randint(5, 60))) for shape in self.truth
        }

    def takes(self, shape: Resources) -> float:
        """How long one more of a shape takes."""
        return min(self.chance.lognormvariate(*self.truth[shape]), MOST_SECONDS)

    def begin(self) -> Situation:
        """Some jobs wait, and nothing runs yet."""
        jobs = [self._job(number) for number in range(1, self.chance.randint(20, 90))]
        self.shapes |= {job.number: job.resources for job in jobs}
        return Situation(NOW, self.slots, lines_of(jobs), [], Policy(ageing_seconds=math.inf, may_preempt=False))

    def _job(self, number: int) -> Waiting:
        shape = SHAPES[self.chance.randrange(len(SHAPES))]
        return Waiting(f"job_{number}", number, "exp", "wkr", 5, number, NOW, shape, MOST_SECONDS)

    def inside(self) -> Iterator[bool]:
        """For each job that still waits after a while: whether its true start is in the band said of it then."""
        truth = _Truth(self)
        truth.play(until=NOW + self.chance.uniform(0, 600))
        seen, said = truth.situation, self.estimate(truth.situation)
        now = seen.now
        truth.play(until=math.inf)
        for job in (job for line in seen.lines.values() for job in line):
            band = said.bands.get(job.job_id)
            if band is not None and (start := truth.starts[job.job_id] - now) > 0:
                yield band.earliest <= start <= band.latest

    def estimate(self, situation: Situation) -> Outlook:
        """What is said of the starts, from past runs alone."""
        free, homes = Model.of(situation.slots), {slot.slot_id: slot for slot in situation.slots}
        running = []
        for one in situation.running:
            part = free.held(one.grants, homes)
            if part is not None:
                free.take(part)
                times = situation.now - one.placed_at, one.ends_by - situation.now
                running.append(Busy(part, "exp", "wkr", 0.0, *times, self.past[self.shapes[one.number]]))
        waiting = [
            Next(job.job_id, "exp", "wkr", job.resources, job.most_seconds, self.past[job.resources])
            for job in first(situation)
        ]
        return outlook(Line(free, running, waiting), Random(0))  # noqa: S311 - a simulation, not a secret


class _Truth:
    """What really happens."""

    def __init__(self, played: Played) -> None:
        self._played, self.situation = played, played.begin()
        self.starts: dict[str, float] = {}
        self._ends: list[tuple[float, str]] = []

    def play(self, until: float) -> None:
        """Go on until then, or until all have started."""
        while self.situation.lines:
            self._place()
            if not self.situation.lines or not self._ends or self._ends[0][0] > until:
                break
            now, job_id = heapq.heappop(self._ends)
            running = [one for one in self.situation.running if one.job_id != job_id]
            self.situation = replace(self.situation, now=now, running=running)
        if math.isfinite(until):
            self.situation = replace(self.situation, now=until)

    def _place(self) -> None:
        now, lines = self.situation.now, self.situation.lines
        jobs = {job.job_id: job for line in lines.values() for job in line}
        running = list(self.situation.running)
        for placement in plan(self.situation).placements:
            job = jobs.pop(placement.job_id)
            self.starts[job.job_id] = now
            heapq.heappush(self._ends, (now + self._played.takes(job.resources), job.job_id))
            running.append(
                Running(job.job_id, 1, job.number, "exp", "wkr", 5, now, now + job.most_seconds, placement.grants)
            )
        self.situation = replace(self.situation, lines=lines_of(jobs.values()), running=running)
