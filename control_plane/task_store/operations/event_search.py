"""Finding events: by what they are, whom and what they name, when and with which words."""

from control_plane.db import log_search
from control_plane.db.log_search import Wanted
from control_plane.db.transaction import Tx
from control_plane.task_store import records
from store_client.wire.calls.events import EventQuery
from store_client.wire.events import EventKind, EventKinds, EventsFound
from store_client.wire.scalars import format_time, parse_time


def find(tx: Tx, query: EventQuery) -> EventsFound:
    """One page; it may have fewer events than asked for, or none, and go on nevertheless."""
    found, reached, has_more = log_search.look(tx.connection, _wanted(tx, query), query.limit)
    return EventsFound(
        events=tuple(map(records.log_event, found)),
        next=reached["position"] if reached is not None and has_more else None,
        looked_to=reached["occurred_at"] if reached is not None else None,
    )


def count(tx: Tx) -> EventKinds:
    """Every type of the experiment's events, or of all."""
    kinds = log_search.count_kinds(tx.connection, tx.experiment_id or None)
    return EventKinds(
        kinds=tuple(EventKind(type=type_, count=count) for type_, count in kinds), counted=log_search.MOST_COUNTED
    )


def _wanted(tx: Tx, query: EventQuery) -> Wanted:
    step = 1 if query.is_oldest_first else -1
    start = query.after + step if query.after is not None else query.at
    return Wanted(
        experiment_id=tx.experiment_id or None,
        type=query.type,
        about=query.about,
        by=query.by,
        text=query.text,
        since=_moment(query.since),
        until=_moment(query.until),
        first=start if query.is_oldest_first else None,
        last=None if query.is_oldest_first else start,
        is_oldest_first=query.is_oldest_first,
    )


def _moment(given: str | None) -> str | None:
    """A time as the log has them, so that they sort as text."""
    return format_time(parse_time(given)) if given is not None else None
