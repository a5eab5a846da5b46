"""Pages of the jobs that ended, the last one first, whenever they were submitted."""

from sqlalchemy import RowMapping, tuple_

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import records, selection
from control_plane.scheduler.tables import HAS_AN_END, jobs
from store_client.errors import BadRequest
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.scalars import parse_time


def page(tx: Tx, query: JobPageQuery) -> tuple[list[RowMapping], str | None]:
    """So many of all or of one experiment. The cursor is `time:number`."""
    wanted = query.filter
    if wanted.states or wanted.is_open or query.is_collapsed or selection.is_narrow(wanted):
        raise BadRequest("by_end: goes with experiment_id alone")
    chosen = selection.matching(tx, wanted, records.COLUMNS).where(HAS_AN_END)
    if query.after is not None:
        here = tuple_(jobs.c.ended_at, jobs.c.number)
        chosen = chosen.where(here < tuple_(*_place(query.after)))
    by_end = chosen.order_by(jobs.c.ended_at.desc(), jobs.c.number.desc()).limit(query.limit + 1)
    rows = list(tx.connection.execute(by_end).mappings())
    shown = rows[: query.limit]
    return shown, f"{shown[-1]['ended_at']}:{shown[-1]['number']}" if len(rows) > query.limit else None


def _place(cursor: str) -> tuple[str, int]:
    moment, _, number = cursor.rpartition(":")
    try:
        parse_time(moment)
    except ValueError:
        moment = ""
    if not moment or not number.isdecimal() or len(number) > 9:
        raise BadRequest("after: use the `next` of the page before")
    return moment, int(number)
