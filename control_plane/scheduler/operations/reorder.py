"""Moving a waiting job among those of its priority, by a rank between its new neighbours."""

from typing import Any

from sqlalchemy import RowMapping, func, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.rows import load, newest, save
from control_plane.scheduler.tables import IS_QUEUED, jobs
from store_client.errors import InvalidPrecondition
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import JobState

Rank = float


def move(tx: Tx, job_id: str, body: MoveJob) -> RowMapping:
    """Put a waiting job before or behind another of its priority, or at an end of it."""
    row = load(tx, job_id)
    if row["state"] != JobState.QUEUED:
        raise InvalidPrecondition("only a waiting job can change its place")
    beside = _beside(tx, row, body.before or body.after)
    rank = _between(*_gap(tx, row, body, beside))
    if rank is None:
        _spread(tx, row["priority"])
        rank = _between(*_gap(tx, row, body, _beside(tx, row, body.before or body.after)))
    if rank is None:
        raise InvalidPrecondition("too many jobs wait at this priority to put one between two others")
    return save(tx, row, "moved", rank=rank)


def _beside(tx: Tx, row: RowMapping, name: str | None) -> RowMapping | None:
    if name is None:
        return None
    other = load(tx, name)
    if other["state"] != JobState.QUEUED or other["job_id"] == row["job_id"]:
        raise InvalidPrecondition(f"job {other['number']} is not another that waits")
    if other["priority"] != row["priority"]:
        raise InvalidPrecondition(f"job {other['number']} has priority {other['priority']}; give this one the same")
    return other


def _gap(tx: Tx, row: RowMapping, body: MoveJob, beside: RowMapping | None) -> tuple[Rank, Rank]:
    """The ranks to go between; what is submitted next always comes behind."""
    if beside is None:
        edge = _edge(tx, row, is_last=body.to == "back")
        if edge is None:
            return row["rank"] - 1, row["rank"] + 1
        return (edge, newest(tx) + 1.0) if body.to == "back" else (edge - 2, edge)
    here = (beside["rank"], beside["number"])
    if body.before is not None:
        ahead = _next(tx, row, here, is_ahead=True)
        return (here[0] - 2 if ahead is None else ahead, here[0])
    behind = _next(tx, row, here, is_ahead=False)
    return (here[0], newest(tx) + 1.0 if behind is None else behind)


def _between(low: Rank, high: Rank) -> Rank | None:
    """A rank strictly between two; None where there is none."""
    middle = low + (high - low) / 2
    return middle if low < middle < high else None


def _others(row: RowMapping) -> Any:
    return select(jobs.c.rank).where(IS_QUEUED, jobs.c.priority == row["priority"], jobs.c.job_id != row["job_id"])


def _edge(tx: Tx, row: RowMapping, *, is_last: bool) -> Rank | None:
    order = (jobs.c.rank.desc(), jobs.c.number.desc()) if is_last else (jobs.c.rank.asc(), jobs.c.number.asc())
    found: Rank | None = tx.connection.scalar(_others(row).order_by(*order).limit(1))
    return found


def _next(tx: Tx, row: RowMapping, here: tuple[Rank, int], *, is_ahead: bool) -> Rank | None:
    """The rank of the job next to a place."""
    rank, number = here
    same = jobs.c.rank == rank
    if is_ahead:
        place = (jobs.c.rank < rank) | (same & (jobs.c.number < number))
        order = (jobs.c.rank.desc(), jobs.c.number.desc())
    else:
        place = (jobs.c.rank > rank) | (same & (jobs.c.number > number))
        order = (jobs.c.rank.asc(), jobs.c.number.asc())
    found: Rank | None = tx.connection.scalar(_others(row).where(place).order_by(*order).limit(1))
    return found


def _spread(tx: Tx, priority: int) -> None:
    """Give the waiting jobs of a priority ranks with room between them, in the order they have, in one statement."""
    mine = jobs.alias()
    waiting = (mine.c.state == JobState.QUEUED) & (mine.c.priority == priority)
    place = func.row_number().over(order_by=(mine.c.rank, mine.c.number))
    placed = select(mine.c.job_id, place.label("place")).where(waiting).subquery()
    count = tx.connection.scalar(select(func.count()).select_from(placed)) or 0
    room = (newest(tx) + 1.0) / (count + 1)
    moved = update(jobs).where(jobs.c.job_id == placed.c.job_id).values(rank=placed.c.place * room)
    tx.connection.execute(moved)
    tx.tell("job.spread", priority=priority, count=count)
