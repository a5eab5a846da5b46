"""An array as one thing: read with counts by state, and cancelled in one call."""

from sqlalchemy import RowMapping, func, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import ends
from control_plane.scheduler.operations.rows import must_own
from control_plane.scheduler.operations.selection import OPEN_STATES
from control_plane.scheduler.operations.submit import stop
from control_plane.scheduler.tables import array_acts, arrays, jobs
from store_client.errors import NotFound
from store_client.wire.batches import ArrayDetail
from store_client.wire.jobs import FINAL_STATES, JobState, SubmitJob


def read(tx: Tx, array_id: str) -> ArrayDetail:
    """An array and how many of its jobs are in each state."""
    row = load(tx, array_id)
    spec = SubmitJob.model_validate(row["spec"])
    shared = {key: row[key] for key in ArrayDetail.model_fields if key in row}
    described = {
        "name": spec.name,
        "priority": spec.priority if row["priority"] is None else row["priority"],
        "tags": spec.tags,
        "run_id": spec.run_id,
        "states": _states(tx, row),
        "acts": tuple(tx.connection.scalars(select(array_acts.c.act_id).where(array_acts.c.array_id == array_id))),
        "has_ended": ends.has_ended(row),
    }
    return ArrayDetail.model_validate({**shared, **described})


def cancel(tx: Tx, array_id: str) -> ArrayDetail:
    """Make no more jobs of an array, and end those that wait or run."""
    row = load(tx, array_id)
    if not ends.has_ended(row):
        must_own(tx, row["submitted_by"])
        ends.close(tx, array_id)
        if not row["is_cancelled"]:
            tell(tx, row, "array_cancelled")
        stopping = jobs.c.state.in_(sorted(OPEN_STATES - {JobState.CANCELLING}))
        mine = select(jobs).where(jobs.c.array_id == array_id, stopping).order_by(jobs.c.number)
        for job in tx.connection.execute(mine).mappings().all():
            stop(tx, job)
        ends.settle(tx)
    return read(tx, array_id)


def tell(tx: Tx, row: RowMapping, act: str, **told: str) -> None:
    """Append an event of an array."""
    facts = {name: row[name] for name in ("array_id", "number", "made", "size")}
    tx.at(row["experiment_id"]).tell(f"job.{act}", **facts, **told, by=tx.caller.worker_id)


def load(tx: Tx, array_id: str) -> RowMapping:
    """The row of an array; in an experiment's scope only its own arrays exist."""
    query = select(arrays).where(arrays.c.array_id == array_id)
    if tx.experiment_id:
        query = query.where(arrays.c.experiment_id == tx.experiment_id)
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"there is no array {array_id} here")
    return row


def _states(tx: Tx, row: RowMapping) -> dict[JobState, int]:
    """Counted are the few that are open and those that ended badly; the successes have a counter."""
    counted = sorted((OPEN_STATES | FINAL_STATES) - {JobState.SUCCEEDED})
    mine = (jobs.c.array_id == row["array_id"]) & jobs.c.state.in_(counted)
    query = select(jobs.c.state, func.count().label("count")).where(mine).group_by(jobs.c.state)
    states = {JobState(found.state): int(found[1]) for found in tx.connection.execute(query)}
    return states | ({JobState.SUCCEEDED: row["succeeded"]} if row["succeeded"] else {})
