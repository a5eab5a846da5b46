"""Pages of tasks: by priority or by age, either way, and of those only what the caller may claim."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, TextClause, func, literal, select

from control_plane.db import identities
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import details
from control_plane.task_store.operations.details import NEW_IDEAS
from control_plane.task_store.operations.listing import caller_or, keyed, last_of, rows_of, total_of
from control_plane.task_store.ports import JobsOfTasks, no_jobs
from control_plane.task_store.rules import pages
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import IS_CLAIMED, IS_PENDING, IS_SUBMITTED, tasks
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.tasks import KINDS, TaskPage, TaskState

LOOKED_AT = 1000
"""So many tasks a page looks at, at most, for those that it leaves out."""
LOOKS = 5
"""Where it looks for words it looks so many times, as long as it is not full."""
COUNTED = 10_000
"""So many tasks of one worker are counted exactly."""
LIGHT = (tasks.c.priority, tasks.c.number, tasks.c.title, tasks.c.target_kind, tasks.c.target_id)
LIVE = {TaskState.PENDING: IS_PENDING, TaskState.CLAIMED: IS_CLAIMED, TaskState.SUBMITTED: IS_SUBMITTED}
"""The states whose tasks an index holds in the order in which they came."""
WINDOW = 20_000
"""So many tasks of a time are looked through for a page of one kind or end."""
MOST = 2**62
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
        next=_place(last) if last else _edge(tx, query),
        total=total,
        is_more=is_more,
    )


def _picky(tx: Tx, query: TaskPageQuery, jobs: JobsOfTasks) -> TaskPage:
    """What is left of so many tasks; the next page goes on after the last that was looked at."""
    groups, words = identities.groups_of(tx.connection, tx.experiment_id, tx.caller.worker_id), query.words
    taken: Found = []
    following: str | None = None
    for _ in range(LOOKS if words else 1):
        looked = _ordered(tx, select(*LIGHT), query, LOOKED_AT)
        last = None
        for row in looked[:LOOKED_AT]:
            if len(taken) == query.limit:
                break
            last = row
            if is_called(row, words) and _is_wanted(tx, query, row, groups):
                taken.append(row)
        is_end = last is None or last["number"] == looked[-1]["number"]
        following = _edge(tx, query) if is_end or last is None else _place(last)
        if following is None or len(taken) == query.limit:
            break
        query = query.having(after=following)
    return TaskPage(items=details.of_tasks(tx, _whole(tx, taken), jobs), next=following)


def is_called(row: RowMapping, words: tuple[str, ...]) -> bool:
    """Whether the name of what a task is about has all these words."""
    title = (row["title"] or NEW_IDEAS) if words else ""
    return all(word in title for word in words)


def _is_wanted(tx: Tx, query: TaskPageQuery, row: RowMapping, groups: set[str]) -> bool:
    is_targeted = row["target_id"] is not None
    if query.target is not None and is_targeted != (query.target == "targeted"):
        return False
    return not query.eligible or rules.is_eligible(row, tx.caller.worker_id, groups)


def _whole(tx: Tx, taken: Found) -> Found:
    """The rows of which only the light part was read, in their order."""
    numbers = [row["number"] for row in taken]
    wanted = select(tasks).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.number.in_(numbers))
    found = {row["number"]: row for row in rows_of(tx, wanted)}
    return [found[number] for number in numbers]


def _ordered(tx: Tx, columns: Select[Any], query: TaskPageQuery, limit: int) -> Found:
    """The first `limit` rows after a place, and one more where there are more."""
    wanted = columns.where(tasks.c.experiment_id == tx.experiment_id, *_filters(tx, query))
    if query.is_by_age:
        return _by_age(tx, wanted, query, limit)
    key = tasks.c.priority, tasks.c.number
    if query.is_rising:
        return _rising(tx, wanted, query.after, limit)
    return keyed(tx, wanted, key, (query.after, limit))


def _by_age(tx: Tx, wanted: Select[Any], query: TaskPageQuery, limit: int) -> Found:
    number = tasks.c.number
    if query.state in LIVE:
        wanted = wanted.where(LIVE[query.state])
    elif _is_windowed(query):
        wanted = wanted.where(number.in_(select(_along(tx, query).limit(WINDOW).subquery().c.number)))
    if query.after is not None:
        place = pages.read(query.after)[1]
        wanted = wanted.where(number > place if query.is_rising else number < place)
    return rows_of(tx, wanted.order_by(number if query.is_rising else number.desc()).limit(limit + 1))


def _is_windowed(query: TaskPageQuery) -> bool:
    """Whether tasks of a time are looked through, because no index tells which are of a kind or an end."""
    is_of_some = query.kind is not None or query.state is not None
    return bool(query.since or query.until) and is_of_some and query.state not in LIVE and not query.submitted_by


def _along(tx: Tx, query: TaskPageQuery) -> Select[Any]:
    """The numbers of the tasks of a time, after a place."""
    here = select(tasks.c.number).where(tasks.c.experiment_id == tx.experiment_id, *times(tx, query.since, query.until))
    if query.after is not None:
        place = pages.read(query.after)[1]
        here = here.where(tasks.c.number > place if query.is_rising else tasks.c.number < place)
    return here.order_by(tasks.c.number if query.is_rising else tasks.c.number.desc())


def _edge(tx: Tx, query: TaskPageQuery) -> str | None:
    """Where a page goes on that ended before it was full, with more to look through."""
    if not _is_windowed(query):
        return None
    number = tx.connection.scalar(_along(tx, query).offset(WINDOW - 1).limit(1))
    return None if number is None else pages.write((0, number))


def times(tx: Tx, since: str | None, until: str | None) -> list[ColumnElement[bool]]:
    """The time as bounds of the numbers, which every order by age follows: one look at an index for each."""
    at, here = tasks.c.created_at, tasks.c.experiment_id == tx.experiment_id
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        first = select(tasks.c.number).where(here, at >= since).order_by(at, tasks.c.number).limit(1)
        conditions.append(tasks.c.number >= (tx.connection.scalar(first) or MOST))
    if until is not None:
        last = select(tasks.c.number).where(here, at <= until).order_by(at.desc(), tasks.c.number.desc()).limit(1)
        conditions.append(tasks.c.number <= (tx.connection.scalar(last) or 0))
    return conditions


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
        conditions.append(tasks.c.claimed_by == caller_or(tx, query.claimed_by))
    if query.submitted_by is not None:
        conditions.append(tasks.c.submitted_by == caller_or(tx, query.submitted_by))
    return [*conditions, *times(tx, query.since, query.until)]


def _place(row: RowMapping) -> str:
    return pages.write((row["priority"], row["number"]))


def _total(tx: Tx, query: TaskPageQuery) -> tuple[int | None, bool]:
    """How many tasks the filters admit; of what somebody has only so many are counted, and whether there are more."""
    if query.since or query.until:
        return None, False
    if query.claimed_by is not None or query.submitted_by is not None:
        some = select(literal(1)).where(tasks.c.experiment_id == tx.experiment_id, *_filters(tx, query))
        found = tx.connection.scalar(select(func.count()).select_from(some.limit(COUNTED + 1).subquery())) or 0
        return min(found, COUNTED), found > COUNTED
    kinds = KINDS if query.kind is None else (query.kind,)
    states = tuple(TaskState) if query.state is None else (query.state,)
    return total_of(tx, *(f"tasks.{kind}.{state}" for kind in kinds for state in states)), False
