"""The scheduler's own moves: placing, starting and ending attempts. The attempt number fences each of them."""

from dataclasses import dataclass, field

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.operations.submit import load, save
from control_plane.scheduler.rules.placement import Placement
from control_plane.scheduler.rules.states import ended, moved
from control_plane.scheduler.tables import attempts, holds, jobs
from store_client.wire.jobs import ExitCause, JobState


@dataclass(frozen=True)
class Ending:
    """How an attempt ended and what it brought back."""

    cause: ExitCause
    exit_code: int | None = None
    detail: str | None = None
    result: dict[str, object] = field(default_factory=dict)


def place(tx: Tx, placement: Placement) -> RowMapping:
    """Give a queued job its slots as a new attempt; written and committed before anything is launched."""
    row = load(tx, placement.job_id)
    state, number = moved(JobState(row["state"]), "place"), row["attempt"] + 1
    tx.connection.execute(
        insert(attempts).values(job_id=row["job_id"], number=number, state=state, slots=list(placement.slots))
    )
    for slot_id in placement.slots:
        tx.connection.execute(
            insert(holds).values(slot_id=slot_id, job_id=row["job_id"], attempt=number, held_since=tx.now)
        )
    return save(tx, row, "starting", state=state, attempt=number, waiting_for=None)


def start(tx: Tx, job_id: str, attempt: int) -> bool:
    """The attempt's process lives; False when the job moved on meanwhile."""
    row = load(tx, job_id)
    if row["attempt"] != attempt or row["state"] != JobState.STARTING:
        return False
    _mark(tx, row, state=JobState.RUNNING, started_at=tx.now)
    save(tx, row, "started", state=moved(JobState(row["state"]), "start"), started_at=tx.now)
    return True


def finish(tx: Tx, job_id: str, attempt: int, ending: Ending) -> bool:
    """An attempt ended: free its slots, and end the job or queue it again. A stale attempt changes nothing."""
    row = load(tx, job_id)
    if row["attempt"] != attempt or not JobState(row["state"]).is_on_a_slot:
        return False
    state = ended(JobState(row["state"]), ending.cause, attempt, spec_of(row).retry)
    cause = "cancelled" if state is JobState.CANCELLED else ending.cause
    final = state if state.is_final else JobState.LOST
    _mark(tx, row, state=final, ended_at=tx.now, exit_code=ending.exit_code, cause=cause, detail=ending.detail)
    tx.connection.execute(delete(holds).where(holds.c.job_id == job_id, holds.c.attempt == attempt))
    if state is JobState.QUEUED:
        save(tx, row, "requeued", state=state, queued_at=tx.now, waiting_for=ending.detail)
    else:
        save(tx, row, "finished", state=state, cause=cause, exit_code=ending.exit_code, ended_at=tx.now,
             result=ending.result)  # fmt: skip
    return True


def _mark(tx: Tx, row: RowMapping, **values: object) -> None:
    tx.connection.execute(
        update(attempts).where(attempts.c.job_id == row["job_id"], attempts.c.number == row["attempt"]).values(**values)
    )


def waiting(tx: Tx, limit: int = 500) -> list[RowMapping]:
    """The head of the queue, the next job first."""
    query = select(jobs).where(jobs.c.state == JobState.QUEUED).order_by(jobs.c.priority.desc(), jobs.c.number)
    return list(tx.connection.execute(query.limit(limit)).mappings())


def placed(tx: Tx) -> list[RowMapping]:
    """Every job that holds slots."""
    states = (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)
    return list(tx.connection.execute(select(jobs).where(jobs.c.state.in_(states)).order_by(jobs.c.number)).mappings())


def held(tx: Tx) -> dict[str, str]:
    """Slot id to the job that holds it."""
    return {row.slot_id: row.job_id for row in tx.connection.execute(select(holds))}


def explain(tx: Tx, reasons: dict[str, str]) -> None:
    """Keep for each waiting job why it waits."""
    for job_id, reason in reasons.items():
        tx.connection.execute(
            update(jobs).where(jobs.c.job_id == job_id, jobs.c.state == JobState.QUEUED).values(waiting_for=reason)
        )
