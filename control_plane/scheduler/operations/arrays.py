"""Arrays: one row for up to a million jobs, which are made a few ahead of those that start."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select, update

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import dependencies, ends
from control_plane.scheduler.operations.making import Draft, make
from control_plane.scheduler.tables import HAS_MORE, arrays, jobs
from store_client.errors import Refused
from store_client.wire.experiments import Status
from store_client.wire.jobs import JobState, SubmitJob

AHEAD = 64
"""So many jobs of an array wait at most that never began; those that come back are made already."""
REFILL = 32
"""With so many or fewer, more are made."""
AT_ONCE = 16
"""Arrays that are seen to in one transaction."""
INDEX, SIZE = "SWITCHYARD_ARRAY_INDEX", "SWITCHYARD_ARRAY_SIZE"
OF_MEMBERS = ("experiment_id", "commit_sha", "base_commit_sha", "claimed_at", "submitted_by", "array_id")


def first_draft(tx: Tx, draft: Draft, size: int) -> Draft:
    """The first job of a new array, which brings the array's row."""
    spec, array_id = draft.spec, tx.mint("arr")
    row = {
        "array_id": array_id,
        "experiment_id": tx.experiment_id,
        "submitted_by": tx.caller.worker_id,
        "idempotency_key": spec.idempotency_key,
        "spec": spec.to_wire(),
        "commit_sha": draft.facts["commit_sha"],
        "size": size,
        "made": 1,
        "ended": 0,
        "succeeded": 0,
        "is_cancelled": 0,
        "created_at": tx.now,
    }
    facts = {**draft.facts, "array_id": array_id, "array_index": 0}
    return Draft(_member(spec, 0, size), facts, draft.waits, array=row)


def _member(spec: SubmitJob, index: int, size: int) -> SubmitJob:
    """The spec of one job of an array; its place in it is in its environment."""
    environment = {**spec.environment, INDEX: str(index), SIZE: str(size)}
    return spec.model_copy(update={"environment": environment})


def unfold(tx: Tx) -> int:
    """Make the jobs that open arrays lack, and go on with ends too many waited for; how much was done, 0 is all."""
    done = ends.settle(tx)
    for row in tx.connection.execute(_LACKING).mappings().all():
        done += _fill(tx, row)
    return done


def _fill(tx: Tx, array: RowMapping) -> int:
    """Make more jobs of an array, in its place; close it when its turn can no longer come."""
    first = tx.connection.execute(select(jobs).where(jobs.c.number == array["number"])).mappings().one()
    spec, size = SubmitJob.model_validate(array["spec"]), array["size"]
    changes: dict[str, Any] = {"idempotency_key": None}
    if array["priority"] is not None:
        changes["priority"] = array["priority"]
    try:
        waits = dependencies.unmet(tx, spec.depends_on)
    except Refused:
        ends.close(tx, array["array_id"])
        return 1
    here = range(array["made"], min(size, array["made"] + AHEAD - array["waiting"]))
    facts = {**{key: first[key] for key in OF_MEMBERS}, "queued_at": array["created_at"]}
    drafts = [
        Draft(
            _member(spec.model_copy(update=changes), index, size), {**facts, "array_index": index}, waits, _rank(array)
        )
        for index in here
    ]
    scope = tx.at(array["experiment_id"])
    tx.connection.execute(update(arrays).where(_is(array["array_id"])).values(made=here.stop))
    return len(make(scope, drafts))


def _rank(array: RowMapping) -> float:
    """Where it was moved to as one, else where it was submitted, wherever single jobs of it stand by now."""
    return float(array["number"] if array["rank"] is None else array["rank"])


def _is(array_id: str) -> ColumnElement[bool]:
    return arrays.c.array_id == array_id


def _lacking() -> Any:
    """Open arrays of which few jobs wait to begin, the oldest first; not those that rest with their experiment."""
    waiting = (jobs.c.array_id == arrays.c.array_id) & (jobs.c.state == JobState.QUEUED) & (jobs.c.attempt == 0)
    newest = select(jobs.c.number).where(waiting).order_by(jobs.c.number.desc()).limit(REFILL + 1)
    count = select(func.count()).select_from(newest.correlate(arrays).subquery()).scalar_subquery()
    first = jobs.alias()
    goes_on = (experiments.c.status == Status.RUNNING) | first.c.claimed_at.is_not(None)
    counted = (
        select(arrays, count.label("waiting"))
        .join(experiments, experiments.c.experiment_id == arrays.c.experiment_id)
        .join(first, first.c.number == arrays.c.number)
        .where(HAS_MORE, goes_on)
        .subquery()
    )
    return select(counted).where(counted.c.waiting <= REFILL).order_by(counted.c.number).limit(AT_ONCE)


_LACKING = _lacking()
