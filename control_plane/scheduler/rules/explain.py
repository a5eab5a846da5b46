"""Why a waiting job is not running: its place, what blocks it, and the smallest change that would start it.

The answer is made from the same situation that placement sees, and each change in it has been tried by placement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from control_plane.scheduler.rules.board import Running, Situation, Waiting
from control_plane.scheduler.rules.changes import changes
from control_plane.scheduler.rules.constraints import Case, constraints
from control_plane.scheduler.rules.places import position
from control_plane.scheduler.rules.planning import Plan, plan
from store_client.wire.scheduler import JobChange, JobConstraint

STARTS = "nothing is in its way: it starts when the scheduler looks next"


@dataclass(frozen=True)
class Why:
    """The answer for one job."""

    position: int
    constraints: tuple[JobConstraint, ...]
    change: JobChange | None = None
    alternatives: tuple[JobChange, ...] = ()
    no_change: str | None = None
    """Why there is none, and what could help."""

    @property
    def sentence(self) -> str:
        return self.constraints[0].sentence if self.constraints else ""


def explain(situation: Situation, job: Waiting, head: Sequence[Waiting] | None = None) -> Why:
    """Why a job that stands in line waits; `head` is the head of the queue, where it is known already."""
    case, made = Case(situation, job), plan(situation)
    place = position(situation, job, head)
    if any(placement.job_id == job.job_id for placement in made.placements):
        return Why(place, (JobConstraint(kind="starting", sentence=STARTS),))
    found = constraints(Case(_settled(situation, made), job), made, place)
    would = changes(case, made, place)
    return Why(place, found, would.smallest, would.others, would.why_none)


def _settled(situation: Situation, made: Plan) -> Situation:
    """The situation once what a plan starts has started: that, too, is in the way of the others."""
    jobs = {job.job_id: job for line in situation.lines.values() for job in line[: len(made.placements)]}
    now, started = situation.now, [(jobs[one.job_id], one.grants) for one in made.placements]
    running = [
        Running(
            job.job_id, 0, job.number, job.experiment_id, job.operator, job.priority, now, now + job.most_seconds,
            grants, memory_bytes=job.resources.memory_bytes,
        )
        for job, grants in started
    ]  # fmt: skip
    return replace(situation, running=[*situation.running, *running])
