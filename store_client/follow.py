"""The protocol's events one by one, for as long as somebody listens."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from store_client.client import StoreClient
from store_client.errors import Unreachable
from store_client.transport import Patience
from store_client.wire.events import Event

REMEMBERED = 10_000
MOST_PAUSES = 8
NOTHING_NEW_SECONDS = 1.0


@dataclass(frozen=True)
class Followed:
    """An event, and the cursor with which a later listener continues after it."""

    event: Event
    cursor: int


async def follow(store: StoreClient, cursor: int = 0, patience: Patience | None = None) -> AsyncGenerator[Followed]:
    """Every event after a cursor, each once, of whatever type, for ever; while the server is away, waits for it.

    A refusal ends it: the credential is no longer good, or the experiment is gone.
    """
    patience, seen, fails = patience or Patience(longest_pause_seconds=5.0), _Seen(), 0
    while True:
        started = asyncio.get_running_loop().time()
        try:
            batch = await store.subscribe(cursor)
        except Unreachable:
            await patience.pause(min(fails, MOST_PAUSES))
            fails += 1
            continue
        fails = 0
        for event in batch.events:
            cursor += 1  # by what was received: what a server says of its cursor is another's business
            if seen.is_new(event.event_id):
                yield Followed(event, cursor)
        if not batch.events and asyncio.get_running_loop().time() - started < NOTHING_NEW_SECONDS:
            await patience.sleep(NOTHING_NEW_SECONDS)  # a server may answer at once that there is nothing


class _Seen:
    """The ids of the last so many events."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._ids: set[str] = set()

    def is_new(self, event_id: str) -> bool:
        if event_id in self._ids:
            return False
        self._ids.add(event_id)
        self._order.append(event_id)
        if len(self._order) > REMEMBERED:
            self._ids.discard(self._order.popleft())
        return True
