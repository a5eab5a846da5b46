"""The scheduler's own moves: placing, starting and ending attempts. The attempt number fences each of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select, update

from control_plane.db.command import Command
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import rows
from control_plane.scheduler.operations.endings import Ending, finish, finish_all, give_way, preempt_all
from control_plane.scheduler.operations.rows import Change
from control_plane.scheduler.operations.several import Several
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.rules.states import moved
from control_plane.scheduler.tables import IS_QUEUED, ON_A_SLOT, attempts, holds, jobs
from store_client.errors import InvalidPrecondition
from store_client.wire.jobs import JobState

__all__ = [
    "Ending", "explain", "finish", "finish_all", "give_way", "place", "place_all", "placed", "preempt_all", "start",
    "start_all",
]  # fmt: skip
IDENTITY = tuple(jobs.c[name] for name in ("job_id", "number", "experiment_id", "task_id", "claimed_at"))

_NAMES = ("job_id", "number", "experiment_id", "name", "state", "attempt", *rows.TOLD)
_TOLD = Several(lambda ids: select(*(jobs.c[name] for name in _NAMES)).where(jobs.c.job_id.in_(ids)))
_ADD_ATTEMPT = Command(insert(attempts), "job_id", "number", "state", "slots", "node")
_HOLD = Command(insert(holds), "slot_id", "unit", "job_id", "attempt", "held_since")
_OWN = (attempts.c.job_id == bindparam("of"), attempts.c.number == bindparam("which"))
_BEGIN = Command(update(attempts).where(*_OWN), "state", "started_at")
_SAY = Command(update(jobs).where(jobs.c.job_id == bindparam("of"), IS_QUEUED), "waiting_for")


def place(tx: Tx, placement: Placement, node: str | None = None) -> RowMapping:
    """Give a queued job its slots as a new attempt; written and committed before anything is launched."""
    return place_all(tx, [(placement, node)])[0]


def place_all(tx: Tx, wanted: Sequence[tuple[Placement, str | None]]) -> list[RowMapping]:
    """The same for several jobs, each with the machine it is to be on; refused when one of them cannot be placed."""
    found = rows.whole(tx, [placement.job_id for placement, _ in wanted])
    changes, made, held = [], [], []
    for placement, node in wanted:
        change = _placing(found.get(placement.job_id) or rows.missing(placement.job_id))
        own = {"job_id": placement.job_id, "attempt": change.to["attempt"], "held_since": tx.now}
        made.append({**_new(change), "slots": list(placement.slots), "node": node})
        held += [{"slot_id": grant.slot_id, "unit": unit, **own} for grant in placement.grants for unit in grant.units]
        changes.append(change)
    _ADD_ATTEMPT.run_all(tx.batch.bare, made)
    _HOLD.run_all(tx.batch.bare, held)
    return rows.save_all(tx, "starting", changes)


def _placing(row: RowMapping) -> Change:
    state = moved(JobState(row["state"]), "place")
    if row["waits_on"]:
        raise InvalidPrecondition(f"job {row['number']} waits for others")
    return Change(row, {"state": state, "attempt": row["attempt"] + 1, "waiting_for": None})


def _new(change: Change) -> dict[str, Any]:
    return {"job_id": change.row["job_id"], "number": change.to["attempt"], "state": change.to["state"]}


def start(tx: Tx, job_id: str, attempt: int) -> bool:
    """The attempt's process lives; False when the job moved on meanwhile."""
    return start_all(tx, [(job_id, attempt)])[0]


def start_all(tx: Tx, keys: Sequence[tuple[str, int]]) -> list[bool]:
    """The same for several attempts."""
    found = {(row["job_id"], row["attempt"]): row for row in _TOLD.all(tx, {job_id for job_id, _ in keys})}
    begun = {key: found[key] for key in keys if key in found and found[key]["state"] == JobState.STARTING}
    state, own = moved(JobState.STARTING, "start"), {"state": JobState.RUNNING, "started_at": tx.now}
    _BEGIN.run_all(tx.batch.bare, [{"of": job_id, "which": attempt, **own} for job_id, attempt in begun])
    to = {"state": state, "started_at": tx.now}
    rows.save_all(tx, "started", [Change(row, to) for row in begun.values()])
    return [key in begun for key in keys]


def placed(tx: Tx) -> list[RowMapping]:
    """Every job that holds slots."""
    query = select(*IDENTITY, jobs.c.state, jobs.c.attempt, jobs.c.giving_way).where(ON_A_SLOT).order_by(jobs.c.number)
    return list(tx.connection.execute(query).mappings())


def explain(tx: Tx, reasons: dict[str, str]) -> None:
    """Keep for each waiting job why it waits."""
    _SAY.run_all(tx.batch.bare, [{"of": job_id, "waiting_for": reason} for job_id, reason in reasons.items()])
