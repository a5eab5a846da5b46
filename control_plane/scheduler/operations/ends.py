"""What the end of a job means to others: its array counts it, and whoever waits for it goes on, or ends as well.

Ends that somebody waits for are noted as due and worked off, so much in a transaction; `settle` goes on with the rest.
"""

from dataclasses import dataclass

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import rows
from control_plane.scheduler.rules.states import moved
from control_plane.scheduler.tables import array_acts, arrays, ends_due, job_waits, jobs
from store_client.wire.jobs import ExitCause, JobState

MOST = 500
"""So many of those that wait are seen to in one transaction."""


@dataclass(frozen=True)
class Outcome:
    """How something that others wait for ended."""

    is_success: bool
    words: str
    """As in: job 7 failed."""


def ended(tx: Tx, row: RowMapping) -> None:
    """A job has just ended; `row` is how it is now."""
    _note(tx, row)
    if row["is_awaited"] or row["array_id"] is not None:
        settle(tx)


def reopened(tx: Tx, row: RowMapping) -> None:
    """An ended job is queued again; `row` is how it was before."""
    tx.connection.execute(delete(ends_due).where(ends_due.c.on_id.in_([row["job_id"], row["array_id"] or ""])))
    if row["array_id"] is not None:
        _count(tx, row, -1)


def settle(tx: Tx, most: int = MOST) -> int:
    """Tell those that wait for what ended, so many at most; how many were told."""
    told = 0
    while told < most:
        on_id = tx.connection.scalar(select(ends_due.c.on_id).order_by(ends_due.c.on_id).limit(1))
        if on_id is None:
            break
        outcome, waits = outcome_of(tx, on_id), _waits(tx, on_id, most - told)
        if outcome is None or not waits:
            tx.connection.execute(delete(ends_due).where(ends_due.c.on_id == on_id))
            continue
        met = [wait["job_id"] for wait in waits if outcome.is_success or wait["when_it"] == "ended"]
        _release(tx, on_id, met)
        for job_id in {wait["job_id"] for wait in waits}.difference(met):
            drop(tx, job_id, f"{outcome.words}, and this was to come after its success")
        told += len(waits)
    return told


def drop(tx: Tx, job_id: str, why: str) -> None:
    """End a waiting job whose turn can no longer come, and make no more of its array."""
    row = rows.load(tx.at(""), job_id)
    if row["array_id"] is not None:
        close(tx, row["array_id"])
    withdraw(tx, row, "dependency_failed", why)


def withdraw(tx: Tx, row: RowMapping, cause: ExitCause, why: str) -> None:
    """End a waiting job; who waits for it is told by the next `settle`."""
    changes = {"state": moved(JobState(row["state"]), "withdraw"), "cause": cause, "detail": why}
    forget(tx, row)
    _note(tx, rows.save(tx.at(""), row, "finished", **changes, ended_at=tx.now, waits_on=0, told={"detail": why}))


def close(tx: Tx, array_id: str) -> None:
    """Make no more jobs of an array, for good: no act on many jobs that is taken back opens it again."""
    tx.connection.execute(delete(array_acts).where(array_acts.c.array_id == array_id))
    stop_making(tx, array_id)


def stop_making(tx: Tx, array_id: str) -> None:
    """Make no more jobs of an array as it stands."""
    tx.connection.execute(update(arrays).where(arrays.c.array_id == array_id).values(is_cancelled=1))
    _note_array(tx, array_id)


def go_on_making(tx: Tx, array_id: str) -> None:
    """Make the rest of the jobs of an array after all; who was not told of its end yet waits on."""
    tx.connection.execute(update(arrays).where(arrays.c.array_id == array_id).values(is_cancelled=0))
    tx.connection.execute(delete(ends_due).where(ends_due.c.on_id == array_id))


def forget(tx: Tx, row: RowMapping) -> None:
    """A job waits for nothing any more."""
    if row["waits_on"]:
        tx.connection.execute(delete(job_waits).where(job_waits.c.job_id == row["job_id"]))


def outcome_of(tx: Tx, on_id: str) -> Outcome | None:
    """How a job or an array ended; None while it has not."""
    row = tx.connection.execute(select(jobs.c.number, jobs.c.state).where(jobs.c.job_id == on_id)).mappings().first()
    if row is not None:
        state = JobState(row["state"])
        words = "was lost" if state is JobState.LOST else state.replace("_", " ")
        words = f"was {words}" if state is JobState.CANCELLED else words
        return Outcome(state is JobState.SUCCEEDED, f"job {row['number']} {words}") if state.is_final else None
    array = tx.connection.execute(select(arrays).where(arrays.c.array_id == on_id)).mappings().first()
    if array is None or not has_ended(array):
        return None
    bad = array["size"] - array["succeeded"]
    return Outcome(bad == 0, f"{bad} of the {array['size']} jobs of array {array['number']} did not succeed")


def has_ended(array: RowMapping) -> bool:
    return bool(array["ended"] == (array["made"] if array["is_cancelled"] else array["size"]))


def _note(tx: Tx, row: RowMapping) -> None:
    if row["array_id"] is not None:
        _count(tx, row, 1)
        _note_array(tx, row["array_id"])
    if row["is_awaited"]:
        _due(tx, row["job_id"])


def _note_array(tx: Tx, array_id: str) -> None:
    array = tx.connection.execute(select(arrays).where(arrays.c.array_id == array_id)).mappings().one()
    if has_ended(array):
        _due(tx, array_id)


def _due(tx: Tx, on_id: str) -> None:
    is_awaited = select(job_waits.c.on_id).where(job_waits.c.on_id == on_id).limit(1)
    is_known = select(ends_due.c.on_id).where(ends_due.c.on_id == on_id)
    if tx.connection.scalar(is_awaited) is not None and tx.connection.scalar(is_known) is None:
        tx.connection.execute(insert(ends_due).values(on_id=on_id))


def _count(tx: Tx, row: RowMapping, amount: int) -> None:
    succeeded = amount if row["state"] == JobState.SUCCEEDED else 0
    tx.connection.execute(
        update(arrays)
        .where(arrays.c.array_id == row["array_id"])
        .values(ended=arrays.c.ended + amount, succeeded=arrays.c.succeeded + succeeded)
    )


def _waits(tx: Tx, on_id: str, most: int) -> list[RowMapping]:
    query = select(job_waits).where(job_waits.c.on_id == on_id).order_by(job_waits.c.job_id).limit(most)
    return list(tx.connection.execute(query).mappings())


def _release(tx: Tx, on_id: str, job_ids: list[str]) -> None:
    """These need not wait for it any more; those that wait for nothing else are told to be ready."""
    if not job_ids:
        return
    met = delete(job_waits).where(job_waits.c.on_id == on_id, job_waits.c.job_id.in_(job_ids))
    tx.connection.execute(met)
    fewer = update(jobs).where(jobs.c.job_id.in_(job_ids)).values(waits_on=jobs.c.waits_on - 1)
    tx.connection.execute(fewer)
    ready = select(jobs).where(jobs.c.job_id.in_(job_ids), jobs.c.waits_on == 0).order_by(jobs.c.number)
    for row in tx.connection.execute(ready).mappings().all():
        rows.tell(tx, "ready", row, row["state"])
