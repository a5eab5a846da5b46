"""Reading the queue: one job, pages of jobs, and the fleet in a line."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select

from control_plane.db.tables import tallies
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import records
from control_plane.scheduler.operations.submit import load
from control_plane.scheduler.tables import attempts, jobs
from store_client.errors import BadRequest
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import FINAL_STATES, JobDetail, JobPage, JobState

PLACED = (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)


def read(tx: Tx, job_id: str, log_bytes: int = 0) -> JobDetail:
    """A job whole; `log_bytes` is the length of its newest attempt's log."""
    return detail(tx, load(tx, job_id), log_bytes)


def detail(tx: Tx, row: RowMapping, log_bytes: int = 0) -> JobDetail:
    query = select(attempts).where(attempts.c.job_id == row["job_id"]).order_by(attempts.c.number)
    tries = list(tx.connection.execute(query).mappings())
    return records.detail(row, tries, position(tx, row), log_bytes)


def position(tx: Tx, row: RowMapping) -> int | None:
    """The place of a waiting job in the queue, 1 is next; counted up to 1,000."""
    if row["state"] != JobState.QUEUED:
        return None
    ahead = or_(
        jobs.c.priority > row["priority"],
        and_(jobs.c.priority == row["priority"], jobs.c.number < row["number"]),
    )
    before = select(jobs.c.job_id).where(jobs.c.state == JobState.QUEUED, ahead).limit(1000).subquery()
    return (tx.connection.scalar(select(func.count()).select_from(before)) or 0) + 1


def page(tx: Tx, query: JobPageQuery) -> JobPage:
    """Open jobs in the order of the queue, or all jobs, newest first."""
    scope = tx.experiment_id or query.experiment_id
    if query.is_open:
        return _open_page(tx, query, scope)
    chosen = _within(select(jobs), scope, query)
    if query.is_open is False:
        chosen = chosen.where(jobs.c.state.in_(FINAL_STATES))
    if query.after is not None:
        chosen = chosen.where(jobs.c.number < _number(query.after))
    rows = _rows(tx, chosen.order_by(jobs.c.number.desc()), query.limit)
    following = str(rows[query.limit - 1]["number"]) if len(rows) > query.limit else None
    return JobPage(
        items=tuple(records.job(row) for row in rows[: query.limit]), next=following, total=_total(tx, scope, query)
    )


def _open_page(tx: Tx, query: JobPageQuery, scope: str | None) -> JobPage:
    """Running jobs first, then the waiting ones, the next one first; `after` is `priority:number`."""
    running: list[RowMapping] = []
    waiting = _within(select(jobs), scope, query).where(jobs.c.state == JobState.QUEUED)
    if query.after is None:
        placed = _within(select(jobs), scope, query).where(jobs.c.state.in_(PLACED))
        running = _rows(tx, placed.order_by(jobs.c.number), query.limit)[: query.limit]
    else:
        waiting = waiting.where(_behind(query.after))
    room = query.limit - len(running)
    rows = _rows(tx, waiting.order_by(jobs.c.priority.desc(), jobs.c.number), room)
    last = rows[room - 1] if room and len(rows) > room else None
    items = [records.job(row) for row in running]
    first = position(tx, rows[0]) if rows and not scope else None
    for index, row in enumerate(rows[:room]):
        items.append(records.job(row, first + index if first is not None else position(tx, row)))
    following = f"{last['priority']}:{last['number']}" if last is not None else None
    return JobPage(items=tuple(items), next=following, total=_total(tx, scope, query))


def _within(chosen: Select[Any], scope: str | None, query: JobPageQuery) -> Select[Any]:
    if scope:
        chosen = chosen.where(jobs.c.experiment_id == scope)
    return chosen.where(jobs.c.state == query.state) if query.state is not None else chosen


def _behind(after: str) -> ColumnElement[bool]:
    priority, _, number = after.partition(":")
    return or_(
        jobs.c.priority < _number(priority),
        and_(jobs.c.priority == _number(priority), jobs.c.number > _number(number)),
    )


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest("after: use the `next` of the page before")
    return int(text)


def _rows(tx: Tx, chosen: Select[Any], limit: int) -> list[RowMapping]:
    return list(tx.connection.execute(chosen.limit(limit + 1)).mappings())


def _total(tx: Tx, scope: str | None, query: JobPageQuery) -> int:
    counts = by_state(tx, scope)
    if query.state is not None:
        return counts.get(query.state.value, 0)
    final = {state.value for state in FINAL_STATES}
    if query.is_open is None:
        return sum(counts.values())
    return sum(total for state, total in counts.items() if (state in final) is not query.is_open)


def by_state(tx: Tx, scope: str | None = None) -> dict[str, int]:
    """How many jobs are in each state, from the maintained counters."""
    query = select(tallies.c.name, func.sum(tallies.c.total).label("total")).where(tallies.c.name.like("jobs.%"))
    if scope:
        query = query.where(tallies.c.experiment_id == scope)
    rows = tx.connection.execute(query.group_by(tallies.c.name))
    return {row.name.removeprefix("jobs."): int(row.total) for row in rows}


def latest_of_tasks(tx: Tx, task_ids: Sequence[str], /) -> dict[str, str]:
    """The newest job of each task of the experiment that has one."""
    newest = select(func.max(jobs.c.number)).where(
        jobs.c.experiment_id == tx.experiment_id, jobs.c.task_id.in_(list(task_ids))
    )
    query = select(jobs.c.task_id, jobs.c.job_id).where(jobs.c.number.in_(newest.group_by(jobs.c.task_id)))
    return {row.task_id: row.job_id for row in tx.connection.execute(query)}
