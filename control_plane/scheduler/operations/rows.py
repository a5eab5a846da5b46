"""The row of one job: found, changed under guard, and told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import RowMapping, bindparam, func, select, update

from control_plane.db.command import Command
from control_plane.db.identities import is_in_named
from control_plane.db.question import Question
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.several import Several
from control_plane.scheduler.tables import IS_QUEUED, jobs
from store_client.errors import Forbidden, InvalidPrecondition, NotFound

TOLD = ("task_id", "run_id", "array_id", "cause", "exit_code", "not_before")
NOTHING: Mapping[str, Any] = {}
STEP = 2.0**-20
"""So far behind one another stand those that come back to the end, so that many do before anything new is submitted."""
_LOAD = Question(select(jobs).where(jobs.c.job_id == bindparam("job")))
_WHOLE = Several(lambda ids: select(jobs).where(jobs.c.job_id.in_(ids)))
_GUARD = (jobs.c.job_id == bindparam("of"), jobs.c.state == bindparam("was"), jobs.c.attempt == bindparam("tried"))


def load(tx: Tx, job_id: str) -> RowMapping:
    """The row of a job, by id or number; in an experiment's scope only its own jobs exist."""
    row = tx.first(_LOAD, job=job_id)
    if row is not None and tx.experiment_id not in {DEPLOYMENT, row["experiment_id"]}:
        return missing(job_id)
    if row is None and job_id.isdecimal() and len(job_id) < 10:
        query = select(jobs.c.job_id).where(jobs.c.number == int(job_id))
        found = tx.connection.scalar(query)
        return load(tx, found) if found else missing(job_id)
    return row if row is not None else missing(job_id)


def missing(job_id: str) -> RowMapping:
    raise NotFound(f"there is no job {job_id} here")


def whole(tx: Tx, job_ids: Iterable[str]) -> dict[str, RowMapping]:
    """The full rows of those of these jobs that there are."""
    return {row["job_id"]: row for row in _WHOLE.all(tx, job_ids)}


@dataclass(frozen=True, slots=True)
class Change:
    """What a job is to become, and what is told of it beside that."""

    row: RowMapping
    """As it was read: its state and attempt guard the change."""
    to: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def guarded(self) -> Mapping[str, Any]:
        return {**self.to, "of": self.row["job_id"], "was": self.row["state"], "tried": self.row["attempt"]}

    def made(self) -> RowMapping:
        return cast("RowMapping", {**self.row, **self.to})  # whoever reads it reads by name


def save(tx: Tx, row: RowMapping, act: str, *, told: Mapping[str, Any] = NOTHING, **changes: Any) -> RowMapping:
    """Write a change of a job, guarded by the state and attempt it was decided on, and tell it."""
    return save_all(tx, act, [Change(row, changes, told)])[0]


def save_all(tx: Tx, act: str, changes: Sequence[Change]) -> list[RowMapping]:
    """The same for several jobs, of which the same columns change; refused when one of them moved on."""
    if not changes:
        return []
    guarded = [each.guarded for each in changes]
    if _saving(tuple(changes[0].to)).run_all(tx.batch.bare, guarded) != len(changes):
        numbers = ", ".join(str(each.row["number"]) for each in changes)
        raise InvalidPrecondition(f"job {numbers} moved on meanwhile")
    made = [each.made() for each in changes]
    for each, changed in zip(changes, made, strict=True):
        tell(tx, act, changed, each.row["state"], each.told)
    return made


@lru_cache(maxsize=64)
def _saving(columns: tuple[str, ...]) -> Command:
    """The statement that changes these columns: there are a dozen such sets, and each is rendered once."""
    return Command(update(jobs).where(*_GUARD), *columns)


def tell(tx: Tx, act: str, row: RowMapping, old: str | None, told: Mapping[str, Any] = NOTHING) -> None:
    """Append the job's event in its experiment and keep the tallies; `old` is the state it comes from."""
    scope, state = tx.at(row["experiment_id"]), str(row["state"])
    if old != state:
        if old is not None:
            scope.count_with_all(f"jobs.{old}", -1)
        scope.count_with_all(f"jobs.{state}", 1)
    facts = {"job_id": row["job_id"], "number": row["number"], "state": state, "name": row["name"]}
    extra = {key: row[key] for key in TOLD if row[key] is not None}
    scope.tell(f"job.{act}", **facts, attempt=row["attempt"], by=tx.caller.worker_id, **{**extra, **told})


def must_own(tx: Tx, submitted_by: str, what: str = "cancel your own jobs") -> None:
    """Forbidden unless the caller submitted it, or is one of the experiment's admins."""
    is_own = submitted_by == tx.caller.worker_id
    if not tx.experiment_id or tx.caller.is_admin or is_own:
        return
    if not is_in_named(tx.connection, tx.caller, ("admins",)):
        raise Forbidden(f"{what}; those of others are for admins")


def newest(tx: Tx) -> int:
    """The number of the newest job; 0 before the first."""
    return tx.connection.scalar(select(func.max(jobs.c.number))) or 0


def last_rank(tx: Tx, priority: int) -> float:
    """A place behind all of a priority that wait now, and before whatever is submitted next."""
    of_those = select(func.max(jobs.c.rank)).where(IS_QUEUED, jobs.c.priority == priority)
    last: float = tx.connection.scalar(of_those) or 0.0
    following = newest(tx) + 1.0
    rank = max(last + STEP, following - 0.5)
    return rank if rank < following else last
