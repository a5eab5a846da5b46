"""What placement sees, read from the database: every open job, or only those that changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping, Text, cast, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import ordered, policy
from control_plane.scheduler.operations.several import Several
from control_plane.scheduler.rules.board import Grant, Running, Situation, Slot, Waiting, nodes_of
from control_plane.scheduler.rules.lines import going, lines_of
from control_plane.scheduler.tables import ON_A_SLOT, holds, jobs
from store_client.wire.jobs import JobState, Resources

CHUNK = 2000
CANCEL_SECONDS = 5.0
"""The grace of an attempt that is cancelled."""
END_SECONDS = 15.0
"""An attempt whose time is over is asked to stop, then killed; by then nothing of it is left."""

Task = tuple[str, str]
"""Experiment and task id."""


@dataclass(frozen=True, slots=True)
class Open:
    """A job that has not ended."""

    waiting: Waiting
    state: str
    attempt: int
    waits_on: int = 0
    not_before: float | None = None
    task: Task | None = None
    claimed_at: str | None = None
    """The claim that it works under."""
    giving_way: str | None = None
    grace_seconds: float | None = None
    """None: it is never taken off its slots."""

    @property
    def job_id(self) -> str:
        return self.waiting.job_id

    @property
    def is_waiting(self) -> bool:
        return self.state == JobState.QUEUED

    def may_start(self, now: float) -> bool:
        """Whether nothing but the order and the slots keeps it from starting."""
        return self.is_waiting and self.waits_on == 0 and (self.not_before is None or self.not_before <= now)

    def on(self, grants: tuple[Grant, ...], placed_at: float) -> Running:
        """The job as an attempt that holds these."""
        job, is_ending = self.waiting, self.state == JobState.CANCELLING or self.giving_way is not None
        return Running(
            job.job_id, self.attempt, job.number, job.experiment_id, job.operator, job.priority, placed_at,
            placed_at + job.most_seconds, grants, self.grace_seconds is not None, is_ending, job.resources.memory_bytes,
            job.queued_at, (CANCEL_SECONDS if self.grace_seconds is None else self.grace_seconds) + END_SECONDS, job,
        )  # fmt: skip


@dataclass
class Reader:
    """Rows as open jobs; what many of them have in common is made once."""

    known: dict[str, Resources] = field(default_factory=dict)

    def read(self, row: RowMapping) -> Open:
        resources = self._resources(row["resources"])
        is_bound = row["task_id"] is not None and row["claimed_at"] is not None
        waiting = Waiting(
            row["job_id"], row["number"], row["experiment_id"], row["submitted_by"], row["priority"], row["rank"],
            seconds_of(row["queued_at"]), resources, (row["timeout_seconds"] or 0.0) + END_SECONDS, is_bound,
        )  # fmt: skip
        return Open(
            waiting, row["state"], row["attempt"], row["waits_on"],
            seconds_of(row["not_before"]) if row["not_before"] is not None else None,
            (row["experiment_id"], row["task_id"]) if is_bound else None,
            row["claimed_at"], row["giving_way"], row["grace_seconds"],
        )  # fmt: skip

    def _resources(self, text: str) -> Resources:
        found = self.known.get(text)
        if found is None:
            if len(self.known) >= CHUNK:
                self.known.clear()
            found = self.known[text] = Resources.model_validate_json(text)
        return found


def seconds_of(moment: str) -> float:
    """A time of the database in seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


_NAMES = (
    "job_id", "number", "experiment_id", "submitted_by", "priority", "rank", "queued_at", "state", "attempt",
    "waits_on", "not_before", "task_id", "claimed_at", "giving_way",
)  # fmt: skip
_OPEN = select(
    *(jobs.c[name] for name in _NAMES),
    cast(jobs.c.resources, Text).label("resources"),
    jobs.c.spec["timeout_seconds"].as_float().label("timeout_seconds"),
    jobs.c.spec[("preemption", "grace_seconds")].as_float().label("grace_seconds"),
)
_OF = Several(lambda ids: _OPEN.where(jobs.c.job_id.in_(ids)))
_HELD = select(holds.c.job_id, holds.c.attempt, holds.c.slot_id, holds.c.unit, holds.c.held_since)
_HELD = _HELD.order_by(holds.c.job_id, holds.c.slot_id, holds.c.unit)
_HELD_BY = Several(lambda ids: _HELD.where(holds.c.job_id.in_(ids)))


def these(tx: Tx, job_ids: Iterable[str], reader: Reader) -> list[Open]:
    """Jobs as they are now, open or not."""
    return [reader.read(row) for row in _OF.all(tx, job_ids)]


def held_by(tx: Tx, job_ids: Iterable[str]) -> dict[str, tuple[tuple[Grant, ...], float]]:
    """What each of these jobs holds, and since when."""
    return _grants(_HELD_BY.all(tx, job_ids))


def waiting(tx: Tx, reader: Reader) -> Iterator[list[Open]]:
    """Every queued job, in chunks, in the order of the queue."""
    last: Waiting | None = None
    while True:
        chunk = slice_of(tx, last, CHUNK, reader)
        yield chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].waiting


def slice_of(tx: Tx, after: Waiting | None, limit: int, reader: Reader) -> list[Open]:
    """So many queued jobs behind one."""
    place = None if after is None else (after.priority, after.rank, after.number)
    return [reader.read(row) for row in ordered.behind(tx, _OPEN, place, limit)]


def placed(tx: Tx, reader: Reader) -> list[tuple[Open, Running]]:
    """Every job that holds slots, and its attempt."""
    found = [reader.read(row) for row in tx.connection.execute(_OPEN.where(ON_A_SLOT)).mappings()]
    granted = _grants(tx.connection.execute(_HELD).mappings())
    return [(job, job.on(*granted.get(job.job_id, ((), 0.0)))) for job in found]


def _grants(rows: Iterable[RowMapping]) -> dict[str, tuple[tuple[Grant, ...], float]]:
    """Units by job, as grants."""
    units: dict[str, dict[str, list[int]]] = {}
    since: dict[str, float] = {}
    for row in rows:
        units.setdefault(row["job_id"], {}).setdefault(row["slot_id"], []).append(row["unit"])
        since.setdefault(row["job_id"], seconds_of(row["held_since"]))
    return {
        job_id: (tuple(Grant(slot_id, tuple(taken)) for slot_id, taken in of.items()), since[job_id])
        for job_id, of in units.items()
    }


def read(tx: Tx, slots: Sequence[Slot]) -> Situation:
    """All that a plan depends on, as the database has it now."""
    reader, now = Reader(), seconds_of(tx.now)
    ready = [job.waiting for chunk in waiting(tx, reader) for job in chunk if job.may_start(now)]
    terms, held = policy.terms(tx), [running for _, running in placed(tx, reader)]
    lines = going(lines_of(ready), terms.policy.resting)
    return Situation(now, slots, lines, held, policy=terms.policy, nodes=nodes_of(slots), usage=terms.usage)
