"""A browser tab's event stream, read from the console's application while it goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

PATIENCE_SECONDS = 60.0


@dataclass
class Tab:
    """An open stream: its unnamed events tell pages to look."""

    lines: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    status: int = 0
    hello: dict[str, str] = field(default_factory=dict)
    is_reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def next_block(self) -> dict[str, str] | None:
        """The fields of the next event, comments left out; None at the end of the stream."""
        block: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (line := await self.lines.get()) is not None:
                name, _, value = line.partition(": ")
                if not line and block:
                    return block
                if name:
                    block[name] = value
        return None

    async def news(self) -> dict[str, Any]:
        """What the next unnamed event says."""
        while (block := await self.next_block()) is not None:
            if "event" not in block and "data" in block:
                told: dict[str, Any] = json.loads(block["data"])
                return told
        raise AssertionError("the stream ended")

    async def told(self) -> int:
        """The position that the next unnamed event gives."""
        return int((await self.news())["position"])

    async def ended(self) -> None:
        """Wait for the end of the stream; nothing may come before it."""
        assert await self.next_block() is None


@asynccontextmanager
async def open_tab(console: ASGIApp, browser: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator[Tab]:
    """A tab of this browser on a stream; `hello` has arrived when this returns, and the tab is closed afterwards."""
    tab, gone = Tab(), asyncio.Event()
    tab.is_reading.set()
    rest = ""

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal rest
        await tab.is_reading.wait()
        if message["type"] == "http.response.start":
            tab.status = message["status"]
            return
        *whole, rest = (rest + message.get("body", b"").decode()).replace("\r\n", "\n").split("\n")
        for line in whole:
            tab.lines.put_nowait(line)
        if not message.get("more_body"):
            tab.lines.put_nowait(None)

    running = asyncio.ensure_future(console(_scope(browser.build_request("GET", path, headers=headers)), receive, send))
    try:
        block = await tab.next_block()
        assert block is not None, f"status {tab.status}"
        assert block.get("event") == "hello", block
        tab.hello = block
        yield tab
    finally:
        gone.set()
        tab.is_reading.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, PATIENCE_SECONDS)


def _scope(request: httpx.Request) -> Scope:
    """A request as a server hands it to an application."""
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": "http",
        "server": ("console", 80),
        "http_version": "1.1",
    }
