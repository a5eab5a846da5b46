"""How the mirror of the queue is kept: filled once, then told of each change by the event log, in commit order.

Whatever was committed by any process is in the log. What no event tells, or what is doubted, is read again: a slice of
the queue now and then, and at once what the database refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, bindparam, or_, select

from control_plane.db import log
from control_plane.db.question import Question
from control_plane.db.tables import events
from control_plane.db.transaction import Tx
from control_plane.scheduler.mirror import Mirror
from control_plane.scheduler.operations import situation
from control_plane.scheduler.operations.situation import Reader, Task, seconds_of
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.rules.board import Waiting
from store_client.wire.jobs import JobState

MOST_EVENTS = 20_000
"""Whoever missed more than this reads the queue anew."""
SLICE = 500
SPREAD = "job.spread"
"""Told once for all waiting jobs of a priority: each has another rank now."""
TOLD = ("experiment", "job", "task", "queue", "node")
_TELLING = or_(*((events.c.type >= f"{what}.") & (events.c.type < f"{what}/") for what in TOLD))
_SINCE = Question(
    select(events.c.type, events.c.experiment_id, events.c.data)
    .where(events.c.position > bindparam("after"), events.c.position <= bindparam("newest"), _TELLING)
    .order_by(events.c.position)
)


@dataclass
class Heard:
    """What has to be done about jobs, as far as the log and the claims tell."""

    withdrawn: set[str] = field(default_factory=set)
    """Their work is of no use: the claim that they worked under has ended."""
    stopping: set[str] = field(default_factory=set)
    """They were asked to stop."""
    has_arrays: bool = False
    """An array was opened again, or a job of one moved: it may lack jobs now."""
    others: set[str] = field(default_factory=set)
    """Other acts on the queue, by their event's type."""
    now: float = 0.0
    """The time of the look."""

    @property
    def has_new_terms(self) -> bool:
        """Whether the policy may have changed, or what it says of experiments."""
        return any(type_.startswith(("experiment.", "queue.")) for type_ in self.others)

    def add(self, other: "Heard") -> None:
        """What another look found counts as well."""
        self.withdrawn |= other.withdrawn
        self.stopping |= other.stopping


class News:
    """Reads what changed, and changes the mirror."""

    def __init__(self, claims: Claims) -> None:
        self.mirror, self._claims, self._reader = Mirror(), claims, Reader()
        self._position: int | None = None
        self._doubted: set[str] = set()
        self._last: Waiting | None = None

    def doubt(self, job_ids: Iterable[str]) -> None:
        """Read these again: the database refused what the mirror let us do."""
        self._doubted.update(job_ids)

    def doubt_all(self) -> None:
        """Read everything again."""
        self._position = None

    def catch_up(self, tx: Tx) -> Heard:
        """Everything that was committed since the last time."""
        newest, heard = log.tip(tx.connection), Heard(now=seconds_of(tx.now))
        if self._position is None or newest - self._position > MOST_EVENTS:
            self._fill(tx, heard)
        elif newest > self._position or self._doubted:
            self._follow(tx, newest, heard)
            if SPREAD in heard.others:
                self._fill(tx, heard)
        self._position = newest
        self.mirror.rouse(heard.now)
        return heard

    def _fill(self, tx: Tx, heard: Heard) -> None:
        fresh, now = Mirror(), seconds_of(tx.now)
        for chunk in situation.waiting(tx, self._reader):
            for job in chunk:
                fresh.put(job, now)
        for job, running in situation.placed(tx, self._reader):
            fresh.place(job, running)
        fresh.version += self.mirror.version
        self.mirror = fresh
        self._doubted.clear()
        heard.has_arrays = True
        heard.stopping.update(job_id for job_id, running in fresh.running.items() if running.is_ending)
        self._check(tx, list(fresh.tasks), heard)

    def _follow(self, tx: Tx, newest: int, heard: Heard) -> None:
        last: dict[str, RowMapping] = {}
        tasks: set[Task] = set()
        for event in _SINCE.all(tx.batch.bare, {"after": self._position, "newest": newest}):
            data, job_id = event["data"], event["data"].get("job_id")
            if event["type"].startswith("task."):
                tasks.add((event["experiment_id"], str(data.get("task_id"))))
            elif job_id is None:
                heard.others.add(event["type"])
                heard.has_arrays |= "array_id" in data
            else:
                last[job_id] = event
                heard.has_arrays |= "array_id" in data
        self._apply(tx, last, heard)
        tasks.intersection_update(self.mirror.tasks)
        self._check(tx, tasks, heard)

    def _apply(self, tx: Tx, last: dict[str, RowMapping], heard: Heard) -> None:
        again, self._doubted = self._doubted, set()
        for job_id, event in last.items():
            data = event["data"]
            if not self._is_known_by(data, event["type"]):
                again.add(job_id)
            elif JobState(data["state"]).is_final:
                self.mirror.drop(job_id)
            else:
                self.mirror.move(job_id, data["state"])
        self._read(tx, again, heard)

    def _is_known_by(self, data: dict[str, object], type_: str) -> bool:
        """Whether an event says all that the mirror has to know."""
        job = self.mirror.get(str(data["job_id"]))
        state = JobState(str(data["state"]))
        if state.is_final or job is None:
            return state.is_final
        is_same = job.attempt == data["attempt"] and not job.is_waiting
        return is_same and type_ in {"job.starting", "job.started"}

    def _read(self, tx: Tx, job_ids: Iterable[str], heard: Heard) -> None:
        found = situation.these(tx, job_ids, self._reader)
        granted = situation.held_by(tx, [job.job_id for job in found if JobState(job.state).is_on_a_slot])
        now = seconds_of(tx.now)
        for job in found:
            if job.is_waiting:
                self.mirror.put(job, now)
            elif job.job_id in granted:
                self.mirror.place(job, job.on(*granted[job.job_id]))
                if self.mirror.running[job.job_id].is_ending:
                    heard.stopping.add(job.job_id)
            else:
                self.mirror.drop(job.job_id)
        self._check(tx, {job.task for job in found if job.task is not None}, heard)

    def _check(self, tx: Tx, tasks: Iterable[Task], heard: Heard) -> None:
        """Which jobs work for nobody any more."""
        asked = list(tasks)
        live = self._claims.live_claims(tx, asked) if asked else {}
        for job in self.mirror.claims(asked):
            if job.task is not None and live.get(job.task) != job.claimed_at:
                heard.withdrawn.add(job.job_id)

    def look_again(self, tx: Tx) -> Heard:
        """Compare a slice of the waiting jobs with the database, and the next one the next time."""
        heard, now = Heard(), seconds_of(tx.now)
        slice_ = situation.slice_of(tx, self._last, SLICE, self._reader)
        for job in slice_:
            self.mirror.put(job, now)
        self._last = slice_[-1].waiting if len(slice_) == SLICE else None
        self._check(tx, {job.task for job in slice_ if job.task is not None}, heard)
        return heard
