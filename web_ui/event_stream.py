"""The event stream of one browser: what its pages look at, what it has yet to be told, and the response that says it.

Hundreds of streams are told of one event at once, so each costs one write and nothing else: no task of its own for
signs of life, and nothing kept but the newest position of each thing it watches.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cached_property

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PING_SECONDS = 15.0
PING = b": still here\n\n"
Kinds = frozenset[str] | None
"""What kinds of things changed, as the first word of an event's type; None when that is not known."""


@dataclass(frozen=True)
class Watch:
    """What a page looks at, an experiment or everything, and the newest event that it shows."""

    experiment_id: str | None
    after: int | None = None

    @property
    def name(self) -> str:
        """What browsers call it."""
        return self.experiment_id or ""


@dataclass(frozen=True)
class News:
    """How far the log has grown, where it did, and by what."""

    of: str
    position: int
    kinds: Kinds = None

    @cached_property
    def block(self) -> bytes:
        """The same as it is sent, written once for however many streams."""
        kinds = None if self.kinds is None else sorted(self.kinds)
        return f"data: {json.dumps({'of': self.of, 'position': self.position, 'kinds': kinds})}\n\n".encode()

    def over(self, older: "News | None") -> "News":
        """These news with those that were not told yet."""
        if older is None or older == self:
            return self
        kinds = None if self.kinds is None or older.kinds is None else self.kinds | older.kinds
        return News(self.of, max(self.position, older.position), kinds)


@dataclass(eq=False)
class Watcher:
    """One open stream: it remembers the newest news alone, so a browser that does not read costs nothing."""

    watches: tuple[Watch, ...]
    whose: str = ""
    is_over: bool = False
    is_due: asyncio.Event = field(default_factory=asyncio.Event)
    untold: dict[str, News] = field(default_factory=dict)

    def tell(self, news: News) -> None:
        """Have the browser told, as soon as it reads."""
        self.untold[news.of] = news.over(self.untold.get(news.of))
        self.is_due.set()

    def end(self) -> None:
        """End the stream; what was not told yet is told to the next one."""
        self.is_over = True
        self.is_due.set()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """What is followed, then all news as they come, until the stream is over."""
        names = json.dumps({"of": [watch.name for watch in self.watches]})
        yield f"event: hello\ndata: {names}\n\n".encode()
        while not self.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(PING_SECONDS):
                    await self.is_due.wait()
            if self.is_over:
                return
            self.is_due.clear()
            untold, self.untold = self.untold, {}
            yield b"".join(news.block for news in untold.values()) or PING


class EventStream(Response):
    """Streams blocks until they end or the browser has gone."""

    media_type = "text/event-stream"

    def __init__(self, watcher: Watcher, closed: Callable[[], None]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._watcher, self._closed = watcher, closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._stream(receive, send)
            await send({"type": "http.response.body"})
        finally:
            self._closed()

    async def _stream(self, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(self._notice_leaving(receive))
        try:
            async with aclosing(self._watcher.blocks()) as blocks:
                async for block in blocks:
                    await send({"type": "http.response.body", "body": block, "more_body": True})
        finally:
            leaving.cancel()

    async def _notice_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._watcher.end()
