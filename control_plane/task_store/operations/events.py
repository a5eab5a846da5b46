"""Reading the log: by the protocol's cursor (§6.4), and by position for our own pages."""

from control_plane.db import log
from control_plane.db.transaction import Tx
from control_plane.task_store import records
from store_client.wire.calls.events import Cursor, LogQuery
from store_client.wire.events import EventBatch, LogPage


def read(tx: Tx, query: Cursor) -> EventBatch:
    """The protocol's events of the experiment past a cursor."""
    found = log.read_protocol(tx.connection, tx.experiment_id, query.cursor)
    return EventBatch(events=tuple(map(records.event, found)), cursor=query.cursor + len(found))


def read_log(tx: Tx, query: LogQuery) -> LogPage:
    """All events of the experiment, or of the deployment, after a position; without one, none yet."""
    scope = tx.experiment_id or None
    if query.is_newest_first:
        return _newest(tx, query, scope)
    if query.after is None:
        return LogPage(events=(), cursor=log.tip(tx.connection))
    found = tuple(map(records.log_event, log.read_after(tx.connection, query.after, query.limit, scope)))
    return LogPage(events=found, cursor=found[-1].position if found else query.after)


def _newest(tx: Tx, query: LogQuery, scope: str | None) -> LogPage:
    """The newest events before a position; the cursor is where the older ones begin."""
    found = tuple(map(records.log_event, log.read_before(tx.connection, query.after, query.limit, scope)))
    return LogPage(events=found, cursor=found[-1].position if found else 0)
