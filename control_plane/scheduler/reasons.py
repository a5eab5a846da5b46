"""Why jobs wait, in a sentence each: told with their places, and of the first of them written into their rows."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from control_plane.scheduler.rules.board import LineKey, Situation, Waiting
from control_plane.scheduler.rules.constraints import Case, constraints
from control_plane.scheduler.rules.explain import STARTS
from control_plane.scheduler.rules.lines import place_of
from control_plane.scheduler.rules.planning import Plan

LINES, IN_A_LINE = 12, 20
"""So many lines are explained, and so many jobs of each."""
REST_SECONDS = 1.0
REST_SHARE = 20
"""It rests so many times longer than it worked."""
Latest = Callable[[], tuple[Situation, Plan] | None]


class Reasons:
    """Finds what is new to say, not too often."""

    def __init__(self, latest: Latest) -> None:
        self._latest = latest
        self._seen: object = None
        self._said: dict[str, str] = {}
        self._due_at = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether there is something to say that was not looked at."""
        return time.monotonic() >= self._due_at and self._latest() is not self._seen

    def news(self) -> dict[str, str]:
        """Sentences that differ from those before, by job."""
        began = time.monotonic()
        self._seen = latest = self._latest()
        found = sentences(*latest) if latest is not None else {}
        news = {job_id: reason for job_id, reason in found.items() if self._said.get(job_id) != reason}
        self._said = found
        self._due_at = time.monotonic() + max(REST_SECONDS, REST_SHARE * (time.monotonic() - began))
        return news


@dataclass(frozen=True)
class Told:
    """Why the jobs of one situation wait, all by one plan, so that what is said of them goes with their places."""

    situation: Situation
    made: Plan
    _of_fronts: dict[str, str] = field(default_factory=dict)

    def of(self, job: Waiting) -> str | None:
        """Why a job of the situation waits; None where only a longer look would tell."""
        if job.job_id in self._placed:
            return STARTS
        front = self.made.blocked.get(LineKey.of(job))
        if front is None or place_of(job) < place_of(front):
            return None
        return _behind(front) if job.job_id != front.job_id else self._of_front(front)

    def _of_front(self, job: Waiting) -> str | None:
        if job.job_id not in self._of_fronts and len(self._of_fronts) < LINES:
            self._of_fronts[job.job_id] = _of_front(self.situation, self.made, job)
        return self._of_fronts.get(job.job_id)

    @cached_property
    def _placed(self) -> frozenset[str]:
        return frozenset(placement.job_id for placement in self.made.placements)


def sentences(situation: Situation, made: Plan) -> dict[str, str]:
    """Why those wait that stand in the first places of some lines."""
    said: dict[str, str] = {}
    for key in islice(made.blocked, LINES):
        said |= _of_line(situation, made, key)
    return said


def _of_line(situation: Situation, made: Plan, key: LineKey) -> Mapping[str, str]:
    front = made.blocked[key]
    line = situation.lines[key]
    at = next(place for place, job in enumerate(line) if job.job_id == front.job_id)
    behind = islice(line, at + 1, at + IN_A_LINE)
    return {
        front.job_id: _of_front(situation, made, line[at]),
        **{job.job_id: _behind(front) for job in behind},
    }


def _behind(front: Waiting) -> str:
    return f"behind job {front.number}"


def _of_front(situation: Situation, made: Plan, job: Waiting) -> str:
    found = constraints(Case(situation, job), made, 1)
    return found[0].sentence if found else "it is next"
