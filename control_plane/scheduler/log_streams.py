"""A log followed as server-sent events, from any byte on, until the attempt has ended.

An id is `<attempt>:<offset>` of what follows, so that `Last-Event-ID` goes on exactly there, in the same attempt. A
stream holds no thread and one piece of the log at most.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from control_plane.edge.house import House
from control_plane.edge.streams import RECONNECT_MILLISECONDS, reason
from control_plane.scheduler import logs
from control_plane.scheduler.logs import LOOK_SECONDS, LogFile
from store_client.errors import BadRequest, Refused, Unavailable
from store_client.wire.calls.reports import StreamQuery
from store_client.wire.jobs import LogSlice

PIECE_BYTES = 64 * 1024
ASK_SECONDS = 1.0
"""Between two looks at whether the attempt has ended, and whether the client may still read."""


def begin(query: StreamQuery, seen: str | None) -> StreamQuery:
    """Where to begin: after what a reconnecting client saw last, else where the query says."""
    if not seen:
        return query
    attempt, _, offset = seen.rpartition(":")
    if not offset.isdecimal() or not (attempt.isdecimal() or not attempt) or len(seen) > 30:
        raise BadRequest("Last-Event-ID: send the id of an event of this stream")
    return StreamQuery(offset=int(offset), attempt=int(attempt) if attempt else query.attempt)


@dataclass
class LogFeed:
    """One log, read for one client; `find` says anew how it stands, or refuses."""

    house: House
    find: Callable[[], LogFile]
    log: LogFile
    offset: int
    asked_at: float = field(default_factory=time.monotonic)

    async def blocks(self) -> AsyncIterator[bytes]:
        """`hello`, then the text as it comes, then `end`, unless the server stops first."""
        yield f"event: hello\nid: {self._place()}\nretry: {RECONNECT_MILLISECONDS}\ndata: {{}}\n\n".encode()
        while not self.house.hub.is_closed:
            try:
                found = await self._next()
            except (Refused, Unavailable) as error:
                yield f"event: end\ndata: {json.dumps(reason(error))}\n\n".encode()
                return
            self.offset = found.next_offset
            if found.text:
                data = json.dumps({"text": found.text, "offset": found.offset, "next_offset": found.next_offset})
                yield f"id: {self._place()}\ndata: {data}\n\n".encode()
            if found.is_complete:
                ended = json.dumps({"attempt": found.attempt, "bytes": found.next_offset})
                yield f"event: end\nid: {self._place()}\ndata: {ended}\n\n".encode()
                return

    async def _next(self) -> LogSlice:
        """What there is to send, once there is something, or once nothing more will come."""
        while not self.house.hub.is_closed:
            if not self.log.is_complete and time.monotonic() - self.asked_at >= ASK_SECONDS:
                self.log = await asyncio.to_thread(self.find)
                self.asked_at = time.monotonic()
            if self.log.is_complete or logs.size(self.log.path) > self.offset:
                found = await asyncio.to_thread(logs.read, self.log, self.offset, PIECE_BYTES)
                if found.text or found.is_complete:
                    return found
            await asyncio.sleep(LOOK_SECONDS)
        return LogSlice(
            text="", offset=self.offset, next_offset=self.offset, is_complete=False, attempt=self.log.attempt
        )

    def _place(self) -> str:
        return f"{self.log.attempt}:{self.offset}"
