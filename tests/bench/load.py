"""`python -m tests.bench.load`: HTTP clients on bare sockets, cheap enough to share a machine with a server.

Reads a `Load` as JSON from standard input and writes what came of it to standard output.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

Request = tuple[str, str, str]
"""Method, path and body."""
Script = Sequence[Request]
"""Requests that one client sends one after the other."""


@dataclass(frozen=True)
class Load:
    """Scripts for so many clients, each of which has one connection and takes the next script when it is done."""

    host: str
    port: int
    headers: str
    clients: int
    scripts: Sequence[Script]


@dataclass(frozen=True)
class Outcome:
    """How long it took, how often each status was answered, and for how long at most 99 of 100 requests waited."""

    seconds: float
    statuses: dict[str, int]
    p99_ms: float


class Connection(asyncio.Protocol):
    """One request at a time; an answer is known by its Content-Length."""

    def __init__(self) -> None:
        self._received = b""
        self._answered: asyncio.Future[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        _, _, length = head.lower().partition(b"content-length: ")
        if len(body) >= int(length.partition(b"\r\n")[0] or 0) and self._answered is not None:
            self._received = b""
            self._answered.set_result(head[9:12].decode())

    async def ask(self, request: bytes) -> str:
        """The status of the answer."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        self._answered = None
        self._transport.close()


async def run(load: Load) -> Outcome:
    """All scripts, shared by the clients."""
    scripts = iter([[to_bytes(load, request) for request in script] for script in load.scripts])
    statuses: Counter[str] = Counter()
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, load.host, load.port) for _ in range(load.clients)]
    began = time.perf_counter()
    await asyncio.gather(*(work(connection, scripts, statuses, waits) for _, connection in made))
    seconds = time.perf_counter() - began
    for _, connection in made:
        connection.close()
    return Outcome(seconds, dict(statuses), 1000 * sorted(waits)[99 * len(waits) // 100])


async def work(
    connection: Connection, scripts: Iterator[list[bytes]], statuses: Counter[str], waits: list[float]
) -> None:
    for script in scripts:
        for request in script:
            began = time.perf_counter()
            statuses[await connection.ask(request)] += 1
            waits.append(time.perf_counter() - began)


def to_bytes(load: Load, request: Request) -> bytes:
    method, path, body = request
    head = f"{method} {path} HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n{load.headers}"
    typed = f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n" if body else ""
    return f"{head}{typed}\r\n{body}".encode()


if __name__ == "__main__":
    outcome = uvloop.run(run(Load(**json.load(sys.stdin))))
    sys.stdout.write(json.dumps(asdict(outcome)))
