"""An open event stream in process, read while it goes on: `httpx.ASGITransport` answers only when all has come."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

SOON = 60.0
Block = dict[str, str]


@dataclass
class Stream:
    """What has come so far: the status, the headers, and the blocks of fields."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    blocks: "asyncio.Queue[Block | None]" = field(default_factory=asyncio.Queue)
    text: str = ""
    is_reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> Block | None:
        """The fields of the next event; None at the end."""
        return await asyncio.wait_for(self.blocks.get(), SOON)

    async def event(self) -> dict[str, Any]:
        """The next event of the log, whose id is its position."""
        block = await self.next()
        assert block is not None
        assert "event" not in block, block
        event: dict[str, Any] = json.loads(block["data"])
        assert int(block["id"]) == event["position"]
        return event


@asynccontextmanager
async def opened(app: ASGIApp, request: httpx.Request) -> AsyncIterator[Stream]:
    """A stream on which something has come already; the client hangs up afterwards."""
    stream, gone, rest = Stream(), asyncio.Event(), ""
    stream.is_reading.set()
    begun = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal rest
        await stream.is_reading.wait()
        if message["type"] == "http.response.start":
            stream.status = message["status"]
            stream.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        stream.text += message.get("body", b"").decode()
        *whole, rest = (rest + message.get("body", b"").decode()).replace("\r\n", "\n").split("\n\n")
        for block in map(_fields, whole):
            if block:
                stream.blocks.put_nowait(block)
        if not message.get("more_body"):
            stream.blocks.put_nowait(None)
        begun.set()

    running = asyncio.ensure_future(app(_scope(request), receive, send))
    try:
        await asyncio.wait_for(begun.wait(), SOON)
        yield stream
    finally:
        gone.set()
        stream.is_reading.set()
        await asyncio.wait_for(running, SOON)


def _fields(block: str) -> Block:
    named = (line.partition(": ") for line in block.split("\n"))
    return {name: value for name, _, value in named if name}


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": "http",
        "server": ("store", 80),
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
