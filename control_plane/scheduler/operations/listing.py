"""Reading the queue: one job, pages of jobs, and the fleet in a line."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import RowMapping, Select, func, select

from control_plane.db import tally
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import last_ended, ordered, records, selection
from control_plane.scheduler.operations.naming import Naming
from control_plane.scheduler.operations.rows import load
from control_plane.scheduler.tables import IS_OPEN, STANDS_FOR_ITS_ARRAY, attempts, jobs
from store_client.errors import BadRequest
from store_client.wire.batches import JobFilter
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import JobDetail, JobPage, JobState

_COUNTED = "jobs."
PLACED = "placed"
FEW = 2000
Page = tuple[list[RowMapping], str | None]
Order = Callable[[Select[Any]], Select[Any]]
Places = Callable[[Tx, Sequence[RowMapping]], Mapping[int, records.InLine]]
"""Where those of these jobs stand, by number, that are in line near its head, and why they wait."""


def unplaced(_tx: Tx, _rows: Sequence[RowMapping]) -> Mapping[int, records.InLine]:
    """Nobody asks for places here: they are known already."""
    return {}


def read(tx: Tx, job_id: str, log_bytes: int = 0, places: Places | None = None) -> JobDetail:
    """A job whole; `log_bytes` is the length of its newest attempt's log.

    Without places it is an answer to a change, which waits for nothing that is told beside the job's own row.
    """
    return detail(tx, load(tx, job_id), log_bytes, places)


def detail(tx: Tx, row: RowMapping, log_bytes: int = 0, places: Places | None = None) -> JobDetail:
    query = select(attempts).where(attempts.c.job_id == row["job_id"]).order_by(attempts.c.number)
    tries = list(tx.connection.execute(query).mappings())
    (found,) = _notes(tx, [row], places)
    return records.detail(row, tries, found, log_bytes)


def page(tx: Tx, query: JobPageQuery, places: Places = unplaced) -> JobPage:
    """Jobs that the query's filter leaves, newest first; open ones of an experiment or of all as they are in the queue.

    A cursor is of use with the filter that it came with.
    """
    wanted = query.filter
    if query.by_end:
        rows, following = last_ended.page(tx, query)
        return JobPage(items=shown(tx, rows, places), next=following, total=_total(tx, wanted.having(is_open=False)))
    is_queue = wanted.is_open is True and not selection.is_narrow(wanted)
    rows, following = (_open if is_queue else _newest)(tx, wanted, query)
    items = shown(tx, rows, places)
    return JobPage(items=items, next=following, total=None if query.is_collapsed else _total(tx, wanted))


def shown(tx: Tx, rows: Sequence[RowMapping], places: Places | None = None) -> tuple[Any, ...]:
    """Rows as lists show them; without places as answers to changes do."""
    found = _notes(tx, rows, places)
    return tuple(records.job(row, notes) for row, notes in zip(rows, found, strict=True))


def _notes(tx: Tx, rows: Sequence[RowMapping], places: Places | None) -> list[records.Notes]:
    if places is None:
        return records.notes(tx, rows, {}, Naming())
    return records.notes(tx, rows, places(tx, rows), Naming.of(tx, rows))


def _newest(tx: Tx, wanted: JobFilter, query: JobPageQuery) -> Page:
    rows, is_more = _of_states(tx, wanted, partial(_in_order, wanted, query), query.limit)
    return rows, str(rows[-1]["number"]) if is_more else None


def _in_order(wanted: JobFilter, query: JobPageQuery, chosen: Select[Any]) -> Select[Any]:
    number = selection.number_of(wanted)
    if query.is_collapsed:
        chosen = chosen.where(STANDS_FOR_ITS_ARRAY)
    if query.after is not None:
        chosen = chosen.where(number < _number(query.after))
    return chosen.order_by(number.desc())


def _of_states(tx: Tx, wanted: JobFilter, in_order: Order, limit: int) -> tuple[list[RowMapping], bool]:
    """Of jobs in certain states, so many: each state has them in order already, and what is merged stays so."""
    states, chosen = selection.states_of(wanted), in_order(selection.matching(tx, wanted, records.COLUMNS))
    if states is None:
        return _rows(tx, chosen, limit)
    if selection.is_narrow(wanted):
        return _rows(tx, chosen.where(jobs.c.state.in_(sorted(states))), limit)
    parts = [chosen.where(selection.in_state(state)) for state in sorted(states - selection.ON_SLOTS)]
    if placed := sorted(states & selection.ON_SLOTS):
        of_them = selection.on_slots(tx, wanted, records.COLUMNS).where(jobs.c.state.in_(placed))
        parts.append(in_order(of_them))
    found = [_rows(tx, part, limit) for part in parts]
    merged = list(heapq.merge(*(rows for rows, _ in found), key=lambda row: -row["number"]))
    return merged[:limit], len(merged) > limit or any(is_more for _, is_more in found)


def _open(tx: Tx, wanted: JobFilter, query: JobPageQuery) -> Page:
    """Jobs on slots by number, then the waiting ones, the next one first.

    The cursor is `placed:number`, then `priority:rank:number`.
    """
    named = [jobs.c.state.in_(wanted.states)] if wanted.states else []
    phase, _, number = (query.after or f"{PLACED}:0").partition(":")
    rows: list[RowMapping] = []
    waiting, place = _waiting(tx, wanted).where(*named), None
    if query.is_collapsed:
        waiting = waiting.where(selection.is_next_of_its_array())
    if phase == PLACED:
        placed = selection.on_slots(tx, wanted, records.COLUMNS).where(*named, jobs.c.number > _number(number))
        rows, is_more = _rows(tx, placed.order_by(jobs.c.number), query.limit)
        if is_more:
            return rows, f"{PLACED}:{rows[-1]['number']}"
    else:
        rank, _, number = number.partition(":")
        place = _number(phase), _rank(rank), _number(number)
    room = query.limit - len(rows)
    found = ordered.behind(tx, waiting, place, room + 1)
    rest, is_more = found[:room], len(found) > room
    rows += rest
    if not is_more:
        return rows, None
    last = rest[-1] if rest else None
    placed_last = f"{PLACED}:{rows[-1]['number'] if rows else 0}"
    return rows, placed_last if last is None else f"{last['priority']}:{last['rank']}:{last['number']}"


def _waiting(tx: Tx, wanted: JobFilter) -> Select[Any]:
    """Those that wait: a few of an experiment are sorted, of very many the queue is read until a page is full."""
    scope = tx.experiment_id or wanted.experiment_id
    if scope and by_state(tx, scope).get(JobState.QUEUED, 0) <= FEW:
        return selection.matching(tx, wanted, records.COLUMNS).where(IS_OPEN)
    return selection.matching(tx, wanted, records.COLUMNS, selection.WHOSE)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest("after: use the `next` of the page before")
    return int(text)


def _rank(text: str) -> float:
    with suppress(ValueError):
        if math.isfinite(rank := float(text)):
            return rank
    raise BadRequest("after: use the `next` of the page before")


def _rows(tx: Tx, chosen: Select[Any], limit: int) -> tuple[list[RowMapping], bool]:
    """So many rows, and whether there are more."""
    rows = list(tx.connection.execute(chosen.limit(limit + 1)).mappings())
    return rows[:limit], len(rows) > limit


def _total(tx: Tx, wanted: JobFilter) -> int | None:
    """How many there are, where a maintained counter knows."""
    if selection.is_narrow(wanted):
        return None
    counts, states = by_state(tx, tx.experiment_id or wanted.experiment_id), selection.states_of(wanted)
    return sum(total for state, total in counts.items() if states is None or state in states)


def by_state(tx: Tx, scope: str | None = None) -> dict[str, int]:
    """How many jobs are in each state, in an experiment or in all, from the counters that are kept of either."""
    counted = tally.read(tx.connection, scope or DEPLOYMENT)
    return {name.removeprefix(_COUNTED): total for name, total in counted.items() if name.startswith(_COUNTED)}


def latest_of_tasks(tx: Tx, task_ids: Sequence[str], /) -> dict[str, str]:
    """The newest job of each task of the experiment that has one."""
    if not task_ids:
        return {}
    newest = select(func.max(jobs.c.number)).where(
        jobs.c.experiment_id == tx.experiment_id, jobs.c.task_id.in_(list(task_ids))
    )
    query = select(jobs.c.task_id, jobs.c.job_id).where(jobs.c.number.in_(newest.group_by(jobs.c.task_id)))
    return {row.task_id: row.job_id for row in tx.connection.execute(query)}
