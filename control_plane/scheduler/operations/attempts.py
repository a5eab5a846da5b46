"""The scheduler's own moves: placing, starting and ending attempts. The attempt number fences each of them."""

from dataclasses import dataclass, field, replace

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import durations
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.operations.submit import load, save
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.rules.states import attempt_ended, ended, moved
from control_plane.scheduler.tables import IS_QUEUED, ON_A_SLOT, ORDER, attempts, holds, is_behind, jobs
from store_client.wire.jobs import ExitCause, JobState

IDENTITY = tuple(jobs.c[name] for name in ("job_id", "number", "experiment_id", "task_id", "claimed_at"))


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
    held = {"job_id": row["job_id"], "attempt": number, "held_since": tx.now}
    units = [(grant.slot_id, unit) for grant in placement.grants for unit in grant.units]
    tx.connection.execute(insert(holds), [{"slot_id": slot_id, "unit": unit, **held} for slot_id, unit in units])
    return save(tx, row, "starting", state=state, attempt=number, waiting_for=None)


def start(tx: Tx, job_id: str, attempt: int) -> bool:
    """The attempt's process lives; False when the job moved on meanwhile."""
    row = load(tx, job_id)
    if row["attempt"] != attempt or row["state"] != JobState.STARTING:
        return False
    _mark(tx, row, state=JobState.RUNNING, started_at=tx.now)
    save(tx, row, "started", state=moved(JobState(row["state"]), "start"), started_at=tx.now)
    return True


def preempt_all(tx: Tx) -> None:
    """Note of every attempt on a slot that we are about to stop it, so that its end does not count against its job."""
    held = select(jobs.c.job_id).where(
        ON_A_SLOT, jobs.c.job_id == attempts.c.job_id, jobs.c.attempt == attempts.c.number
    )
    tx.connection.execute(update(attempts).where(held.exists()).values(cause="preempted"))


def finish(tx: Tx, job_id: str, attempt: int, ending: Ending) -> bool:
    """An attempt ended: free its slots, and end the job or queue it again. A stale attempt changes nothing."""
    row = load(tx, job_id)
    before = JobState(row["state"])
    if row["attempt"] != attempt or not before.is_on_a_slot:
        return False
    ending = _in_truth(tx, row, ending)
    state = ended(before, ending.cause, _tries(tx, row), spec_of(row).retry)
    final = attempt_ended(before, ending.cause)
    _mark(tx, row, state=final, ended_at=tx.now, exit_code=ending.exit_code, cause=ending.cause, detail=ending.detail)
    tx.connection.execute(delete(holds).where(holds.c.job_id == job_id, holds.c.attempt == attempt))
    durations.add(tx, row, ending.cause)
    if state is JobState.QUEUED:
        why = f"{ending.detail or ending.cause}; it is queued again"
        save(tx, row, "requeued", state=state, queued_at=tx.now, started_at=None, waiting_for=why)
    else:
        save(tx, row, "finished", state=state, cause=ending.cause, exit_code=ending.exit_code, ended_at=tx.now,
             result=ending.result)  # fmt: skip
    return True


def _in_truth(tx: Tx, row: RowMapping, ending: Ending) -> Ending:
    """The ending as it is told: who stopped an attempt decides what its end means."""
    if row["state"] == JobState.CANCELLING:
        return replace(ending, cause="cancelled")
    if ending.cause != "cancelled":
        return ending
    query = select(attempts.c.cause).where(attempts.c.job_id == row["job_id"], attempts.c.number == row["attempt"])
    if tx.connection.scalar(query) == "preempted":
        return replace(ending, cause="preempted", detail="it was stopped with the server")
    return replace(ending, cause="node_lost", detail="something stopped it that nobody here asked to")


def _tries(tx: Tx, row: RowMapping) -> int:
    """How many attempts of the job were its own, and not cut short by us."""
    preempted = select(func.count()).select_from(attempts).where(attempts.c.job_id == row["job_id"])
    preempted = preempted.where(attempts.c.state == JobState.PREEMPTED)
    return int(row["attempt"]) - (tx.connection.scalar(preempted) or 0)


def _mark(tx: Tx, row: RowMapping, **values: object) -> None:
    tx.connection.execute(
        update(attempts).where(attempts.c.job_id == row["job_id"], attempts.c.number == row["attempt"]).values(**values)
    )


def waiting(tx: Tx, limit: int = 500, behind: RowMapping | None = None) -> list[RowMapping]:
    """The head of the queue, the next job first; or what stands behind a job of it."""
    query = select(*IDENTITY, jobs.c.priority, jobs.c.rank, jobs.c.resources, jobs.c.waiting_for).where(IS_QUEUED)
    if behind is not None:
        query = query.where(is_behind(behind["priority"], behind["rank"], behind["number"]))
    query = query.order_by(*ORDER).limit(limit)
    return list(tx.connection.execute(query).mappings())


def placed(tx: Tx) -> list[RowMapping]:
    """Every job that holds slots."""
    query = select(*IDENTITY, jobs.c.state, jobs.c.attempt).where(ON_A_SLOT).order_by(jobs.c.number)
    return list(tx.connection.execute(query).mappings())


def held(tx: Tx) -> dict[str, str]:
    """Slot id to the job that holds it."""
    return {row.slot_id: row.job_id for row in tx.connection.execute(select(holds))}


def explain(tx: Tx, reasons: dict[str, str]) -> None:
    """Keep for each waiting job why it waits."""
    said = update(jobs).where(jobs.c.job_id == bindparam("of"), IS_QUEUED).values(waiting_for=bindparam("why"))
    tx.connection.execute(said, [{"of": job_id, "why": reason} for job_id, reason in reasons.items()])
