"""The open jobs in memory: the waiting in lines, the placed with what they hold.

It is a hint. Each placement is compared and set in the database, so a mirror that lags behind can never place twice.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from heapq import heappop, heappush

from control_plane.scheduler.engines.engine import Key
from control_plane.scheduler.operations.situation import Open, Task
from control_plane.scheduler.rules.board import Grant, Placement, Running
from control_plane.scheduler.rules.lines import Queued
from store_client.wire.jobs import JobState


class Mirror:
    """What the scheduler knows of the queue; used by its thread alone."""

    def __init__(self) -> None:
        self.queued = Queued()
        self.running: dict[str, Running] = {}
        self.held: Counter[str] = Counter()
        """How many attempts hold something of a slot."""
        self.tasks: dict[Task, set[str]] = {}
        self.version = 0
        """Grows with each change that may matter to a plan."""
        self._jobs: dict[str, Open] = {}
        self._in_line: set[str] = set()
        self._resting: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, job_id: str) -> Open | None:
        return self._jobs.get(job_id)

    def knows(self, key: Key) -> bool:
        """Whether this is an attempt that holds slots."""
        running = self.running.get(key[0])
        return running is not None and running.attempt == key[1]

    @property
    def ready(self) -> int:
        """How many jobs stand in line."""
        return len(self._in_line)

    def put(self, job: Open, now: float) -> None:
        """A job waits, as it is now."""
        if job == self._jobs.get(job.job_id):
            return
        self.drop(job.job_id)
        self._note(job)
        if job.may_start(now):
            self._line_up(job)
        elif job.waits_on == 0 and job.not_before is not None:
            heappush(self._resting, (job.not_before, job.job_id))

    def place(self, job: Open, running: Running) -> None:
        """A job has an attempt that holds slots."""
        self.drop(job.job_id)
        self._note(job)
        self.running[job.job_id] = running
        self.held.update(_slots(running.grants))

    def move(self, job_id: str, state: str) -> None:
        """An attempt that holds slots came to another state, which changes nothing else."""
        job = self._jobs[job_id]
        if job.state != state:
            self._jobs[job_id] = replace(job, state=state)

    def drop(self, job_id: str) -> None:
        """A job has ended, or is to be put anew."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        self.version += 1
        if job_id in self._in_line:
            self._in_line.discard(job_id)
            self.queued.remove(job.waiting)
        if job_id in self.running:
            self._let_go(self.running.pop(job_id))
        if job.task is not None:
            of_it = self.tasks[job.task]
            of_it.discard(job_id)
            if not of_it:
                del self.tasks[job.task]

    def _let_go(self, running: Running) -> None:
        for slot_id in _slots(running.grants):
            self.held[slot_id] -= 1
            if not self.held[slot_id]:
                del self.held[slot_id]

    def _note(self, job: Open) -> None:
        self.version += 1
        self._jobs[job.job_id] = job
        if job.task is not None:
            self.tasks.setdefault(job.task, set()).add(job.job_id)

    def _line_up(self, job: Open) -> None:
        self.version += 1
        self._in_line.add(job.job_id)
        self.queued.add(job.waiting)

    def rouse(self, now: float) -> None:
        """Let those whose rest is over stand in line."""
        while self._resting and self._resting[0][0] <= now:
            _, job_id = heappop(self._resting)
            job = self._jobs.get(job_id)
            if job is not None and job_id not in self._in_line and job.may_start(now):
                self._line_up(job)

    @property
    def next_rouse(self) -> float | None:
        """When the next rest is over."""
        return self._resting[0][0] if self._resting else None

    def keys(self, job_ids: Iterable[str]) -> list[Key]:
        """The attempts of these jobs, as far as they hold slots."""
        return [(job_id, self.running[job_id].attempt) for job_id in job_ids if job_id in self.running]

    def occupy(self, placement: Placement, attempt: int, now: float) -> None:
        """A job that waited was placed."""
        job = self._jobs.get(placement.job_id)
        if job is not None:
            placed = replace(job, state=JobState.STARTING, attempt=attempt)
            self.place(placed, placed.on(placement.grants, now))

    def claims(self, tasks: Collection[Task]) -> list[Open]:
        """The jobs that work under claims of these tasks."""
        found = (self._jobs[job_id] for task in tasks for job_id in self.tasks.get(task, ()))
        return [job for job in found if job.state != JobState.CANCELLING]


def _slots(grants: Iterable[Grant]) -> list[str]:
    return [grant.slot_id for grant in grants]
