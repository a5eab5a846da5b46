"""The queue as whoever asks about it sees it: one situation for many questions, as long as nothing has changed."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import RowMapping, func, select

from control_plane.db.tables import events
from control_plane.db.transaction import Tx
from control_plane.scheduler.onlooker import MANY, Onlooker
from control_plane.scheduler.operations import estimates
from control_plane.scheduler.operations.estimates import Estimate
from control_plane.scheduler.operations.records import InLine
from control_plane.scheduler.reasons import Told
from control_plane.scheduler.rules.board import Situation, Slot, Waiting
from control_plane.scheduler.rules.places import first
from control_plane.scheduler.rules.planning import Plan, plan
from store_client.wire.jobs import JobState

FRESH_SECONDS = 2.0
"""So long is a situation of use since which nothing was written."""
QUICK_SECONDS = 0.05
FEW = 200
"""So few are read anew whenever something was written: a machine that is busy must not show the order of before."""
PATIENCE = 5
"""One that was not read as quickly is of use for so many times as long as that took, whatever is written meanwhile."""
REST_SHARE = 20
"""An estimate is of use for so many times as long as it took to make, if it speaks of the job that is asked about."""
NEWEST = select(func.max(events.c.position))
Latest = Callable[[], tuple[Situation, Plan | None] | None]


@dataclass
class Estimates:
    """The newest estimate: it costs more than anything else here, so it is made anew only now and then."""

    _made: tuple[Situation, Estimate] | None = None
    _rests_until: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, tx: Tx, seen: "Seen", job_id: str | None) -> Estimate:
        """When jobs start, this one among them where one is named."""
        with self._lock:
            if self._made is None or not self._is_of_use(*self._made, seen.situation, job_id):
                began = time.monotonic()
                self._made = seen.situation, estimates.make(tx, seen.situation, seen.head)
                self._rests_until = time.monotonic() + REST_SHARE * (time.monotonic() - began)
            return self._made[1]

    def _is_of_use(self, of: Situation, made: Estimate, situation: Situation, job_id: str | None) -> bool:
        if of is situation:
            return True
        return time.monotonic() < self._rests_until and (job_id is None or made.knows(job_id))


@dataclass
class Seen:
    """A situation, and what was made of it so far."""

    situation: Situation
    position: int | None
    read_at: float
    took: float
    _estimates: Estimates
    _made: Plan | None = None

    @property
    def is_slow(self) -> bool:
        """Whether reading it anew takes so long that it is not done for every question."""
        return self.took > QUICK_SECONDS and sum(map(len, self.situation.lines.values())) > FEW

    @property
    def is_recent(self) -> bool:
        """Whether places are told from it still: so seldom made anew that this takes a small share of the time."""
        return time.monotonic() - self.read_at < min(FRESH_SECONDS, REST_SHARE * self.took)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where the first of them stand, by job."""
        began = time.monotonic()
        found = {job.job_id: place for place, job in enumerate(self.head, 1)}
        self.took += time.monotonic() - began
        return found

    def misses(self, row: RowMapping) -> bool:
        """Whether a waiting job that should stand in line does not: it came later."""
        if row["waits_on"] or row["not_before"] or len(self.places) < sum(map(len, self.situation.lines.values())):
            return False
        is_free = row["experiment_id"] not in self.situation.policy.resting or bool(row["claimed_at"])
        return is_free and row["job_id"] not in self.places

    @cached_property
    def head(self) -> Sequence[Waiting]:
        """The first of the waiting jobs, in order."""
        return first(self.situation)

    @cached_property
    def _told(self) -> Told:
        began = time.monotonic()
        told = Told(self.situation, self._made or plan(self.situation))
        self.took += time.monotonic() - began
        return told

    def why(self, job: Waiting) -> str | None:
        """Why one of the waiting jobs waits, by the order that its place is told from."""
        return self._told.of(job)

    def in_line(self, job_id: str) -> InLine:
        """Where one of the first jobs stands, and why it waits."""
        place = self.places[job_id]
        return InLine(place, self.why(self.head[place - 1]))

    def estimate(self, tx: Tx, job_id: str | None = None) -> Estimate:
        """When jobs start, as it was said a moment ago if that tells of the job that is named."""
        return self._estimates.of(tx, self, job_id)


@dataclass
class Lookout:
    """Reads the situation, and keeps the last one; from any thread."""

    slots: Callable[[Tx], Sequence[Slot]]
    latest: Latest = lambda: None
    """What the scheduler of this process decided last, and on what."""
    _seen: Seen | None = None
    _estimates: Estimates = field(default_factory=Estimates)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._onlooker = Onlooker(self.slots)

    def see(self, tx: Tx) -> Seen:
        """The situation as the transaction sees it, or as it was a moment ago."""
        position, seen = tx.connection.scalar(NEWEST), self._seen
        if seen is not None and seen.is_slow and self._lock.locked():
            return seen  # somebody is reading it anew, which would hold up this question and others
        with self._lock:
            seen = self._seen  # which another question may find too old at any moment
            if seen is None or not self._is_of_use(seen, position):
                seen = self._seen = self._look(tx, seen, position)
            return seen

    def _look(self, tx: Tx, seen: Seen | None, position: int | None) -> Seen:
        """The situation read anew; what was made of the same one already is kept."""
        began = time.monotonic()
        found, made = self._of_the_scheduler() or (self._onlooker.read(tx), None)
        now = time.monotonic()
        if seen is None or seen.situation is not found:
            return Seen(found, position, now, now - began, self._estimates, made)
        seen.position, seen.read_at = position, now
        return seen

    def places(self, tx: Tx, rows: Sequence[RowMapping]) -> Mapping[int, InLine]:
        """Where those of these jobs stand that are among the first in line, and why, as it was a moment ago."""
        waiting = [row for row in rows if row["state"] == JobState.QUEUED]
        if not waiting:
            return {}
        seen = self._seen
        if seen is None or not seen.is_recent:
            seen = self.see(tx)
        if any(map(seen.misses, waiting)):
            self._seen = None  # it is too old for this question, however long it took
            seen = self.see(tx)
        return {row["number"]: seen.in_line(row["job_id"]) for row in waiting if row["job_id"] in seen.places}

    def _of_the_scheduler(self) -> tuple[Situation, Plan | None] | None:
        """A long queue as the scheduler has it: reading it anew takes longer than it is old."""
        latest = self.latest()
        is_long = latest is not None and sum(map(len, latest[0].lines.values())) > MANY
        return latest if is_long else None

    @staticmethod
    def _is_of_use(seen: Seen, position: int | None) -> bool:
        age = time.monotonic() - seen.read_at
        if seen.position == position:
            return age < FRESH_SECONDS
        return seen.is_slow and age < PATIENCE * seen.took
