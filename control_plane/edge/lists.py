"""Lists without pages: a short one is an answer like any other, a long one is sent while it is read.

A long list is read on one snapshot, batch by batch on the reader threads. Only a few are on their way at a time, so
that whoever reads slowly keeps no connection from others, and a client that takes nothing for a while is dropped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import MEDIA_TYPE, Operation, Served, prepare, read_arguments, respond
from control_plane.edge.house import House
from store_client.wire.call import Call

MOST_AT_A_TIME = 4
SEND_SECONDS = 30.0
"""How long a client may leave what was sent to it."""
Records = Iterator[Any]


@dataclass(frozen=True)
class Lists:
    """The routes of calls whose operations give an iterator of records."""

    house: House
    batch: int
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_A_TIME))

    def endpoint(self, call: Call, operation: Operation) -> Route:
        encoded: TypeAdapter[Any] = TypeAdapter(call.answer)

        def encode(records: list[Any]) -> bytes:
            return encoded.dump_json(tuple(records), exclude_none=True)[1:-1]

        async def serve(request: Request) -> Response:
            work = prepare(self.house, call, operation, (request, await read_arguments(request, call)))
            head = await self.house.read(lambda tx: list(islice(work(tx), self.batch + 1)))
            if len(head) <= self.batch:
                return respond(call, head)
            return LongAnswer(Reading(self.house, work, encode, self.batch), self.turns)

        return Route(call.path, Served(serve), methods=[call.method], name=call.name)


@dataclass
class Reading:
    """A list being read: every step runs on a reader thread, whichever is free."""

    house: House
    work: Callable[[Tx], Records]
    encode: Callable[[list[Any]], bytes]
    batch: int
    _records: Records | None = None
    _is_over: bool = False
    _opened: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)
    """A step may still be running when its request has gone."""

    async def step(self) -> bytes:
        """The next records, encoded; nothing at the end."""
        return await asyncio.get_running_loop().run_in_executor(self.house.readers, self._step)

    def end(self) -> None:
        """Give the connection back, once no step uses it any more."""
        self.house.readers.submit(self._end)

    def _step(self) -> bytes:
        with self._lock, self.house.answering():
            if self._is_over:
                return b""
            if self._records is None:
                tx = self._opened.enter_context(self.house.snapshot())
                self._records = self.work(tx)
                self._opened.callback(getattr(self._records, "close", lambda: None))
            return self.encode(list(islice(self._records, self.batch)))

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            self._opened.close()


class LongAnswer(StreamingResponse):
    """A list in pieces. What goes wrong after its beginning breaks the connection: half a list is never a whole one."""

    def __init__(self, reading: Reading, turns: asyncio.Semaphore) -> None:
        super().__init__((), media_type=MEDIA_TYPE)
        self._reading, self._turns = reading, turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        async with self._turns:
            try:
                self.body_iterator = self._pieces(await self._reading.step())
                with suppress(TimeoutError):
                    await super().__call__(scope, receive, send_in_time)
            finally:
                self._reading.end()

    async def _pieces(self, piece: bytes) -> AsyncIterator[bytes]:
        before = b"["
        while piece:
            yield before + piece
            before = b","
            piece = await self._reading.step()
        yield b"]"
