"""Moving a waiting job, or its array, among those of its priority, by a rank between its new neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Subquery, and_, func, literal, select, union_all, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.rows import Change, load, newest, save_all
from control_plane.scheduler.tables import HAS_MORE, IS_OPEN, IS_QUEUED, arrays, jobs
from store_client.errors import InvalidPrecondition
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import JobState

Rank = float
IN_ORDER = (jobs.c.rank.asc(), jobs.c.number.asc())
FROM_BEHIND = (jobs.c.rank.desc(), jobs.c.number.desc())


@dataclass(frozen=True)
class _Moving:
    """A job that moves, or all of its array that waits at its priority."""

    row: RowMapping
    with_array: bool

    @classmethod
    def of(cls, row: RowMapping, body: MoveJob) -> "_Moving":
        return cls(row, body.with_array and row["array_id"] is not None)

    @property
    def is_it(self) -> ColumnElement[bool]:
        key = jobs.c.array_id if self.with_array else jobs.c.job_id
        return and_(*self._waits, key == self.row[key.name])

    @property
    def is_other(self) -> ColumnElement[bool]:
        key = jobs.c.array_id if self.with_array else jobs.c.job_id
        return and_(*self._waits, key.is_distinct_from(self.row[key.name]))

    @property
    def _waits(self) -> tuple[Any, ...]:
        return IS_QUEUED, jobs.c.priority == self.row["priority"]

    def others(self) -> Select[Any]:
        return select(jobs.c.rank).where(self.is_other)

    def rows(self, tx: Tx) -> Sequence[RowMapping]:
        """Those that move; of one rank they stand by their numbers, which is the order in which they were made."""
        if not self.with_array:
            return [self.row]
        return tx.connection.execute(select(jobs).where(self.is_it).order_by(jobs.c.number)).mappings().all()


def move(tx: Tx, job_id: str, body: MoveJob) -> RowMapping:
    """Put a waiting job before or behind another of its priority, or at an end of it."""
    row = load(tx, job_id)
    if row["state"] != JobState.QUEUED:
        raise InvalidPrecondition("only a waiting job can change its place")
    moving = _Moving.of(row, body)
    rank = _between(*_gap(tx, moving, body))
    if rank is None:
        _spread(tx, row["priority"])
        rank = _between(*_gap(tx, moving, body))
    if rank is None:
        raise InvalidPrecondition("too many jobs wait at this priority to put one between two others")
    if moving.with_array:  # those that are made later follow, also when none waits any more by then
        its_own = (arrays.c.array_id == row["array_id"]) & _goes_on_at(row["priority"])
        tx.connection.execute(update(arrays).where(its_own).values(rank=rank))
    moved = save_all(tx, "moved", [Change(one, {"rank": rank}) for one in moving.rows(tx)])
    return next(one for one in moved if one["job_id"] == row["job_id"])


def _gap(tx: Tx, moving: _Moving, body: MoveJob) -> tuple[Rank, Rank]:
    """The ranks to go between; what is submitted next always comes behind."""
    beside = _beside(tx, moving, body)
    if beside is None:
        return _end(tx, moving, is_last=body.to == "back")
    here = (beside["rank"], beside["number"])
    if body.before is not None:
        ahead = _next(tx, moving, here, is_ahead=True)
        return (here[0] - 2 if ahead is None else ahead, here[0])
    behind = _next(tx, moving, here, is_ahead=False)
    return (here[0], newest(tx) + 1.0 if behind is None else behind)


def _beside(tx: Tx, moving: _Moving, body: MoveJob) -> RowMapping | None:
    """The job to go beside, if one is named; of its array the first or the last, where arrays move as one."""
    name = body.before or body.after
    if name is None:
        return None
    other, row = load(tx, name), moving.row
    is_same = row["array_id"] is not None and other["array_id"] == row["array_id"] and moving.with_array
    if other["state"] != JobState.QUEUED or other["job_id"] == row["job_id"] or is_same:
        raise InvalidPrecondition(f"job {other['number']} is not another that waits")
    if other["priority"] != row["priority"]:
        raise InvalidPrecondition(f"job {other['number']} has priority {other['priority']}; give this one the same")
    if not body.with_array or other["array_id"] is None:
        return other
    its = select(jobs).where(moving.is_other, jobs.c.array_id == other["array_id"])
    ordered = its.order_by(*(IN_ORDER if body.before is not None else FROM_BEHIND)).limit(1)
    return tx.connection.execute(ordered).mappings().one()


def _between(low: Rank, high: Rank) -> Rank | None:
    """A rank strictly between two; None where there is none."""
    middle = low + (high - low) / 2
    return middle if low < middle < high else None


def _end(tx: Tx, moving: _Moving, *, is_last: bool) -> tuple[Rank, Rank]:
    """The gap before or behind all others of the priority."""
    ordered = moving.others().order_by(*(FROM_BEHIND if is_last else IN_ORDER)).limit(1)
    edge: Rank | None = tx.connection.scalar(ordered)
    if edge is None:
        return moving.row["rank"] - 1, moving.row["rank"] + 1
    return (edge, newest(tx) + 1.0) if is_last else (edge - 2, edge)


def _next(tx: Tx, moving: _Moving, here: tuple[Rank, int], *, is_ahead: bool) -> Rank | None:
    """The rank of the job next to a place."""
    rank, number = here
    same = jobs.c.rank == rank
    if is_ahead:
        place = (jobs.c.rank < rank) | (same & (jobs.c.number < number))
    else:
        place = (jobs.c.rank > rank) | (same & (jobs.c.number > number))
    ordered = moving.others().where(place).order_by(*(FROM_BEHIND if is_ahead else IN_ORDER)).limit(1)
    found: Rank | None = tx.connection.scalar(ordered)
    return found


def _spread(tx: Tx, priority: int) -> None:
    """Give all that stands at a priority ranks with room between them, in the order they have, in one statement.

    What holds slots may come back to its place, and an array that lacks jobs has one for them: both keep theirs.
    """
    standing = _standing(tx, priority)
    place = func.row_number().over(order_by=(standing.c.rank, standing.c.number))
    placed = select(standing.c.who, place.label("place")).subquery()
    count = tx.connection.scalar(select(func.count()).select_from(standing)) or 1
    room = newest(tx) / count
    moved = select(arrays.c.array_id, placed.c.place).join(placed, placed.c.who == arrays.c.array_id)
    of_arrays = tx.connection.execute(moved).all()
    tx.connection.execute(update(jobs).where(jobs.c.job_id == placed.c.who).values(rank=placed.c.place * room))
    for array_id, its in of_arrays:
        tx.connection.execute(update(arrays).where(arrays.c.array_id == array_id).values(rank=its * room))
    tx.tell("job.spread", priority=priority, count=count)


def _standing(tx: Tx, priority: int) -> Subquery:
    """Every open job of a priority, and behind those of its own each array whose next jobs will be of it."""
    mine = select(jobs.c.job_id.label("who"), jobs.c.rank, jobs.c.number).where(IS_OPEN, jobs.c.priority == priority)
    rank = func.coalesce(arrays.c.rank, arrays.c.number)
    to_come = select(arrays.c.array_id, rank, literal(newest(tx) + 1)).where(HAS_MORE, _goes_on_at(priority))
    return union_all(mine, to_come).subquery()


def _goes_on_at(priority: int) -> ColumnElement[bool]:
    """Whether jobs of an array that are made later will be of a priority."""
    its = func.coalesce(arrays.c.priority, arrays.c.spec["priority"].as_integer())
    return its == priority
