"""One request's way through one `git http-backend`: body in, answer out, neither held in memory."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CHUNK_BYTES = 64 << 10
HEAD_BYTES = 16 << 10
GRACE_SECONDS = 2.0
SIGNALS = (signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """`idle_seconds` is how long either side may keep the other waiting."""

    requests: int = 8
    push_bytes: int = 512 << 20
    idle_seconds: float = 90.0
    total_seconds: float = 3600.0


class Gone(Exception):
    """The client hung up."""


class TooLarge(Exception):
    """The body is longer than it may be."""


class BackendBroken(Exception):
    """The process ended without an answer."""


class Exchange:
    """Feeds a process and answers from it at once; the process never outlives the exchange."""

    def __init__(self, receive: Receive, send: Send, limits: HttpLimits) -> None:
        self._receive, self._send, self._limits = receive, send, limits
        self._is_body_through = asyncio.Event()
        self.received_bytes = 0
        self.has_started = False

    async def run(self, argv: Sequence[str], environment: Mapping[str, str], *, is_push: bool) -> bool:
        """Carry the request through `argv`; whether the process ended well. The answer's end is left to `finish`."""
        process = await asyncio.create_subprocess_exec(
            *argv, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True, limit=HEAD_BYTES
        )
        feeding = asyncio.create_task(self._feed(cast("asyncio.StreamWriter", process.stdin)))
        answering = asyncio.create_task(self._answer(cast("asyncio.StreamReader", process.stdout)))
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                await asyncio.wait((feeding, answering), return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()
                await answering
                return await process.wait() == 0
        finally:
            for task in (feeding, answering):
                task.cancel()
            await asyncio.gather(feeding, answering, return_exceptions=True)
            await _end(process, (None, *SIGNALS) if is_push else SIGNALS)

    async def finish(self) -> None:
        """Tell the client that the answer is complete."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _feed(self, stdin: asyncio.StreamWriter) -> None:
        """Pass the body on, then keep listening: only raising ends this."""
        while not self._is_body_through.is_set():
            async with asyncio.timeout(self._limits.idle_seconds):
                message = await self._receive()
                await self._pass(message, stdin)
            if not message.get("more_body", False):
                stdin.close()
                self._is_body_through.set()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise Gone

    async def _pass(self, message: Message, stdin: asyncio.StreamWriter) -> None:
        if message["type"] == "http.disconnect":
            raise Gone
        body: bytes = message.get("body", b"")
        self.received_bytes += len(body)
        if self.received_bytes > self._limits.push_bytes:
            raise TooLarge
        # A process that has said all it will say stops listening; the rest of the body is let through unread.
        with suppress(BrokenPipeError, ConnectionResetError):
            if body and not stdin.is_closing():
                stdin.write(body)
                await stdin.drain()

    async def _answer(self, stdout: asyncio.StreamReader) -> None:
        # Until the body is through, the answer could still be that it is too large.
        await self._is_body_through.wait()
        async with asyncio.timeout(self._limits.idle_seconds):
            status, headers = await _head(stdout)
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self.has_started = True
        chunk = b"the answer's head"
        while chunk:
            async with asyncio.timeout(self._limits.idle_seconds):
                chunk = await stdout.read(CHUNK_BYTES)
                if chunk:
                    await self._send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _head(stdout: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The status and headers of a CGI answer."""
    try:
        raw = await stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise BackendBroken from error
    lines = [line.partition(b":") for line in raw.split(b"\r\n") if line]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in lines]
    status = next((int(value[:3]) for name, value in headers if name == b"status"), 200)
    return status, [pair for pair in headers if pair[0] != b"status"]


async def _end(process: Process, signals: Sequence[signal.Signals | None]) -> None:
    """End the process with its children, each signal after the one before was not enough.

    A push begins with none: when its input ends, git clears away what came so far, which under a signal it does badly.
    """
    cast("asyncio.StreamWriter", process.stdin).close()
    for number in signals:
        if process.returncode is None and number is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        # What it still had to say is read, because an unread pipe would stay open.
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), GRACE_SECONDS)
            return
