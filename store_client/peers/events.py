"""The log of a peer's experiment: the protocol's events, whose cursor is their position."""

import time
from collections.abc import Sequence

import anyio

from store_client.peers.copy import Copy
from store_client.peers.peer import Peer
from store_client.wire.calls import events as calls
from store_client.wire.events import Event, EventBatch, LogEvent, LogPage

PAUSE_SECONDS = 0.5
"""Between two looks at a server that answers at once that there is nothing new."""


async def read_log(peer: Peer) -> LogPage:
    """Events after a position, waiting for some; without one, those still to come; or the newest before it."""
    query = peer.query
    assert isinstance(query, calls.LogQuery)  # noqa: S101 - the table of calls says so
    copy = await peer.copy()
    if query.is_newest_first:
        return await _newest(peer, copy, query)
    if query.after is None:
        return LogPage(events=(), cursor=copy.cursor)
    events = await _after(peer, copy, query.after) or await _awaited(peer, query.after, query.wait_seconds)
    found = _placed(events[: query.limit], query.after)
    return LogPage(events=found, cursor=query.after + len(found))


async def _newest(peer: Peer, copy: Copy, query: calls.LogQuery) -> LogPage:
    """The newest events before a position; the cursor is where the older ones begin."""
    end = copy.cursor if query.after is None else min(query.after - 1, copy.cursor)
    start = max(0, end - query.limit)
    events = await _after(peer, copy, start) if end > start else ()
    found = _placed(events[: end - start], start)[::-1]
    return LogPage(events=found, cursor=found[-1].position if found else 0)


async def _after(peer: Peer, copy: Copy, position: int) -> Sequence[Event]:
    """The events after a position: those that are kept, else as the server tells them."""
    if position >= copy.cursor - len(copy.tail):
        return tuple(copy.tail)[max(0, len(copy.tail) - (copy.cursor - position)) :] if position < copy.cursor else ()
    batch: EventBatch = await peer.send(calls.READ_EVENTS, query=calls.Cursor(cursor=position))
    return batch.events


async def _awaited(peer: Peer, position: int, seconds: float) -> Sequence[Event]:
    """The next events, for no longer than so long; a server may answer at once that there are none."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        batch: EventBatch | None = None
        with anyio.move_on_after(left):
            batch = await peer.send(calls.SUBSCRIBE, query=calls.Cursor(cursor=position))
        if batch is not None and batch.events:
            return batch.events
        await anyio.sleep(min(PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
    return ()


def _placed(events: Sequence[Event], before: int) -> tuple[LogEvent, ...]:
    return tuple(LogEvent(position=place, **event.model_dump()) for place, event in enumerate(events, before + 1))
