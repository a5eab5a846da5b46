"""Pages of tasks: by priority or by age, either way, and of those only what the caller may claim."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, TextClause, func, literal, select

from control_plane.db import identities
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import details
from control_plane.task_store.operations.listing import keyed, last_of, rows_of, total_of
from control_plane.task_store.ports import JobsOfTasks, no_jobs
from control_plane.task_store.rules import pages
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import IS_PENDING, tasks
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.tasks import KINDS, TaskPage, TaskState

LOOKED_AT = 1000
"""So many tasks a page looks at, at most, for those that it leaves out."""
COUNTED = 10_000
"""So many tasks of one worker are counted exactly."""
LIGHT = (tasks.c.task_id, tasks.c.priority, tasks.c.number, tasks.c.target_kind, tasks.c.target_id)
Found = list[RowMapping]


def page(tx: Tx, query: TaskPageQuery, jobs: JobsOfTasks = no_jobs) -> TaskPage:
    """Tasks in the wanted order; those that share a priority in the order in which they came."""
    if query.is_picky:
        return _picky(tx, query, jobs)
    found = _ordered(tx, select(tasks), query, query.limit)
    last = last_of(found, query.limit)
    total, is_more = _total(tx, query)
    return TaskPage(
        items=details.of_tasks(tx, found[: query.limit], jobs),
        next=last and _place(last),
        total=total,
        is_more=is_more,
    )


def _picky(tx: Tx, query: TaskPageQuery, jobs: JobsOfTasks) -> TaskPage:
    """What is left of so many tasks; the next page goes on after the last that was looked at."""
    looked = _ordered(tx, select(*LIGHT), query, LOOKED_AT)
    groups = identities.groups_of(tx.connection, tx.experiment_id, tx.caller.worker_id)
    taken: Found = []
    last = None
    for row in looked[:LOOKED_AT]:
        if len(taken) == query.limit:
            break
        last = row
        if _is_wanted(tx, query, row, groups):
            taken.append(row)
    is_last = last is None or last["number"] == looked[-1]["number"]
    rows = _whole(tx, taken)
    return TaskPage(items=details.of_tasks(tx, rows, jobs), next=None if is_last or last is None else _place(last))


def _is_wanted(tx: Tx, query: TaskPageQuery, row: RowMapping, groups: set[str]) -> bool:
    is_targeted = row["target_id"] is not None
    if query.target is not None and is_targeted != (query.target == "targeted"):
        return False
    return not query.eligible or rules.is_eligible(row, tx.caller.worker_id, groups)


def _whole(tx: Tx, taken: Found) -> Found:
    """The rows of which only the light part was read, in their order."""
    ids = [row["task_id"] for row in taken]
    wanted = select(tasks).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.task_id.in_(ids))
    found = {row["task_id"]: row for row in rows_of(tx, wanted)}
    return [found[task_id] for task_id in ids]


def _ordered(tx: Tx, columns: Select[Any], query: TaskPageQuery, limit: int) -> Found:
    """The first `limit` rows after a place, and one more where there are more."""
    wanted = columns.where(tasks.c.experiment_id == tx.experiment_id, *_filters(tx, query))
    if query.sort == "age":
        return _by_age(tx, wanted, query, limit)
    key = tasks.c.priority, tasks.c.number
    if query.is_rising:
        return _rising(tx, wanted, query.after, limit)
    return keyed(tx, wanted, key, (query.after, limit))


def _by_age(tx: Tx, wanted: Select[Any], query: TaskPageQuery, limit: int) -> Found:
    number = tasks.c.number
    if query.state is TaskState.PENDING:
        wanted = wanted.where(IS_PENDING)
    if query.after is not None:
        place = pages.read(query.after)[1]
        wanted = wanted.where(number > place if query.is_rising else number < place)
    return rows_of(tx, wanted.order_by(number if query.is_rising else number.desc()).limit(limit + 1))


def _rising(tx: Tx, wanted: Select[Any], after: str | None, limit: int) -> Found:
    """The lowest priority first, and within one the oldest.

    The index holds the newest of a priority first this way round: the last priority that is reached, of which not all
    may have been read, is read again from its other end.
    """
    priority, number, same = tasks.c.priority, tasks.c.number, []
    if after is not None:
        last, place = pages.read(after)
        same = rows_of(tx, wanted.where(priority == last, number > place).order_by(number).limit(limit + 1))
        wanted = wanted.where(priority > last)
    room = limit + 1 - len(same)
    if room <= 0:
        return same
    beyond = rows_of(tx, wanted.order_by(priority, number.desc()).limit(room))
    if not beyond:
        return same
    top = beyond[-1]["priority"]
    whole = sorted((row for row in beyond if row["priority"] != top), key=lambda row: (row["priority"], row["number"]))
    rest = wanted.where(priority == top).order_by(number).limit(room - len(whole))
    return [*same, *whole, *rows_of(tx, rest)]


def _filters(tx: Tx, query: TaskPageQuery) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = []
    if query.kind is not None:
        conditions.append(tasks.c.kind == query.kind)
    if query.state is not None:
        conditions.append(tasks.c.state == query.state)
    if query.claimed_by is not None:
        conditions.append(tasks.c.claimed_by == (tx.caller.worker_id if query.claimed_by == "me" else query.claimed_by))
    return conditions


def _place(row: RowMapping) -> str:
    return pages.write((row["priority"], row["number"]))


def _total(tx: Tx, query: TaskPageQuery) -> tuple[int, bool]:
    """How many tasks the filters admit; of what somebody has only so many are counted, and whether there are more."""
    if query.claimed_by is not None:
        some = select(literal(1)).where(tasks.c.experiment_id == tx.experiment_id, *_filters(tx, query))
        found = tx.connection.scalar(select(func.count()).select_from(some.limit(COUNTED + 1).subquery())) or 0
        return min(found, COUNTED), found > COUNTED
    kinds = KINDS if query.kind is None else (query.kind,)
    states = tuple(TaskState) if query.state is None else (query.state,)
    return total_of(tx, *(f"tasks.{kind}.{state}" for kind in kinds for state in states)), False
