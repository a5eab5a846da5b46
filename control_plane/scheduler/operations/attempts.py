"""The scheduler's own moves: placing, starting and ending attempts. The attempt number fences each of them."""

from sqlalchemy import RowMapping, bindparam, insert, select, update

from control_plane.db.command import Command
from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.endings import Ending, finish, give_way, preempt_all
from control_plane.scheduler.operations.rows import load, save
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.rules.states import moved
from control_plane.scheduler.tables import IS_QUEUED, ON_A_SLOT, attempts, holds, jobs
from store_client.errors import InvalidPrecondition
from store_client.wire.jobs import JobState

__all__ = [
    "Ending", "explain", "finish", "give_way", "place", "placed", "preempt_all", "start",
]  # fmt: skip
IDENTITY = tuple(jobs.c[name] for name in ("job_id", "number", "experiment_id", "task_id", "claimed_at"))

_TOLD = Question(
    select(*(each for each in jobs.c if each.name not in {"spec", "resources", "result"}))
    .where(jobs.c.job_id == bindparam("job"))
)  # fmt: skip
_ADD_ATTEMPT = Command(insert(attempts), "job_id", "number", "state", "slots", "node")
_HOLD = Command(insert(holds), "slot_id", "unit", "job_id", "attempt", "held_since")
_OWN = (attempts.c.job_id == bindparam("of"), attempts.c.number == bindparam("which"))
_BEGIN = Command(update(attempts).where(*_OWN), "state", "started_at")
_SAY = Command(update(jobs).where(jobs.c.job_id == bindparam("of"), IS_QUEUED), "waiting_for")


def place(tx: Tx, placement: Placement, node: str | None = None) -> RowMapping:
    """Give a queued job its slots as a new attempt; written and committed before anything is launched."""
    row = load(tx, placement.job_id)
    state, number = moved(JobState(row["state"]), "place"), row["attempt"] + 1
    if row["waits_on"]:
        raise InvalidPrecondition(f"job {row['number']} waits for others")
    made = {"job_id": row["job_id"], "number": number, "state": state, "slots": list(placement.slots), "node": node}
    _ADD_ATTEMPT.run(tx.batch.bare, made)
    held = {"job_id": row["job_id"], "attempt": number, "held_since": tx.now}
    units = [(grant.slot_id, unit) for grant in placement.grants for unit in grant.units]
    _HOLD.run_all(tx.batch.bare, [{"slot_id": slot_id, "unit": unit, **held} for slot_id, unit in units])
    return save(tx, row, "starting", state=state, attempt=number, waiting_for=None)


def start(tx: Tx, job_id: str, attempt: int) -> bool:
    """The attempt's process lives; False when the job moved on meanwhile."""
    row = tx.first(_TOLD, job=job_id)
    if row is None or row["attempt"] != attempt or row["state"] != JobState.STARTING:
        return False
    own = {"of": row["job_id"], "which": row["attempt"]}
    _BEGIN.run(tx.batch.bare, {"state": JobState.RUNNING, "started_at": tx.now, **own})
    save(tx, row, "started", state=moved(JobState(row["state"]), "start"), started_at=tx.now)
    return True


def placed(tx: Tx) -> list[RowMapping]:
    """Every job that holds slots."""
    query = select(*IDENTITY, jobs.c.state, jobs.c.attempt, jobs.c.giving_way).where(ON_A_SLOT).order_by(jobs.c.number)
    return list(tx.connection.execute(query).mappings())


def explain(tx: Tx, reasons: dict[str, str]) -> None:
    """Keep for each waiting job why it waits."""
    _SAY.run_all(tx.batch.bare, [{"of": job_id, "waiting_for": reason} for job_id, reason in reasons.items()])
