"""The log and the lists of a big experiment, and those who wait: what grows must not slow anything down."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import httpx

from control_plane.db.engine import Database
from control_plane.task_store.rules import pages
from tests.bench.durable import KINDS
from tests.bench.figures import Figure
from tests.bench.growth import Growth, per_second
from tests.bench.load import Request
from tests.bench.wire_yard import Wire, wired

SIZES = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}
READS, ROUNDS = 100, 5
SUBSCRIBERS, LOADED_READS = 1_000, 2_000
STREAMED = 100_000
TAIL = 10


def bench_events() -> Iterator[Figure]:
    for kind in KINDS:
        with wired(kind) as wire, grown(wire) as growth:
            yield from tails(wire, growth, kind)


def bench_task_lists() -> Iterator[Figure]:
    for kind in KINDS:
        with wired(kind) as wire, grown(wire) as growth:
            yield from lists(wire, growth, kind)


def bench_subscribers() -> Iterator[Figure]:
    for kind in KINDS:
        with wired(kind) as wire:
            yield from asyncio.run(subscribers(wire, kind))


@contextmanager
def grown(wire: Wire) -> Iterator[Growth]:
    """The experiment of a server, through the back door."""
    with closing(Database.open(wire.raw.url)) as database:
        yield Growth(database, wire.experiment_id)


def read_ms(wire: Wire, request: Request) -> float:
    """Milliseconds of a read by one client in the quietest of several rounds."""
    return min(1000 * wire.loaded(1, [[request]] * READS)[0].seconds / READS for _ in range(ROUNDS))


def tails(wire: Wire, growth: Growth, kind: str) -> Iterator[Figure]:
    times = {}
    for name, size in SIZES.items():
        growth.events(size)
        times[name] = read_ms(wire, wire.to(f"events?cursor={size - TAIL}"))
        yield Figure(
            f"events.tail_{name}_ms.{kind}", times[name], "ms", f"HTTP read of the last {TAIL} of {size} events"
        )
    yield Figure(f"events.tail_1m_vs_1k.{kind}", times["1m"] / times["1k"], "ratio", "the same read at both sizes")
    past = f"experiment_id = '{wire.experiment_id}' AND sequence > {SIZES['1m'] - TAIL}"
    query = f"SELECT * FROM events WHERE {past} ORDER BY sequence LIMIT 1000"  # noqa: S608 - numbers of ours
    with growth.database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        raw = per_second(lambda: (cursor.execute(query), cursor.fetchall()))
    yield Figure(f"events.tail_raw_ms.{kind}", 1000 / raw, "ms", "the same statement through the bare driver at 1m")
    rate = asyncio.run(streamed(wire, SIZES["1m"] - STREAMED))
    yield Figure(
        f"events.streamed_per_s.{kind}", rate, "1/s", f"server-sent events to one client, {STREAMED} to catch up with"
    )


async def streamed(wire: Wire, after: int) -> float:
    """Events in a second that one client is sent."""
    headers = {"Authorization": f"Bearer {wire.worker_id}:{wire.secret}"}
    path = f"/api/experiments/{wire.experiment_id}/events/stream"
    async with httpx.AsyncClient(base_url=wire.url, headers=headers) as http:
        position = (await http.get(path.removesuffix("/stream"))).json()["cursor"] - STREAMED
        async with http.stream("GET", path, params={"after": position}) as response:
            began, count = time.perf_counter(), 0
            async for chunk in response.aiter_bytes():
                count += chunk.count(b'data: {"position"')
                if count >= STREAMED - 1:  # one may have been cut in two
                    break
            return count / (time.perf_counter() - began)


def lists(wire: Wire, growth: Growth, kind: str) -> Iterator[Figure]:
    base = f"/api/experiments/{wire.experiment_id}/tasks?limit=50"
    kinds = {"first": "", "deep": "&after={}", "pending": "&state=pending"}
    times: dict[tuple[str, str], float] = {}
    for name in ("1k", "1m"):
        growth.tasks(SIZES[name])
        deep = middle(wire, SIZES[name])
        for page, query in kinds.items():
            took = read_ms(wire, ("GET", base + query.format(deep), ""))
            times[page, name] = took
            yield Figure(
                f"tasks.list_{page}_{name}_ms.{kind}", took, "ms", f"a page of 50 of {SIZES[name]} tasks over HTTP"
            )
    ratio = max(times[page, "1m"] / times[page, "1k"] for page in kinds)
    yield Figure(f"tasks.list_1m_vs_1k.{kind}", ratio, "ratio", f"the worst of {', '.join(kinds)}")
    here = f"experiment_id = '{wire.experiment_id}'"
    query = f"SELECT * FROM tasks WHERE {here} ORDER BY priority DESC, number LIMIT 51"  # noqa: S608 - an id of ours
    with growth.database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        raw = per_second(lambda: (cursor.execute(query), cursor.fetchall()))
    yield Figure(
        f"tasks.list_raw_ms.{kind}", 1000 / raw, "ms", "the first page's statement through the bare driver at 1m"
    )


def middle(wire: Wire, size: int) -> str:
    """The `after` of a page in the middle."""
    return pages.write((0.0, size // 2))


async def subscribers(wire: Wire, kind: str) -> list[Figure]:
    reads = [[wire.to("state")]] * LOADED_READS
    alone = [(await asyncio.to_thread(wire.loaded, 8, reads))[0].p99_ms for _ in range(ROUNDS)]
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(subscriber(wire)) for _ in range(SUBSCRIBERS)]
        await asyncio.sleep(5)
        beside = [(await asyncio.to_thread(wire.loaded, 8, reads))[0].p99_ms for _ in range(ROUNDS)]
        idle = sum(not each.done() for each in waiting)
        for each in waiting:
            each.cancel()
    note = f"p99 of reads by 8 clients in the quietest round, beside {idle} idle long-polls and without"
    return [
        Figure(f"subscribers.p99_none_ms.{kind}", min(alone), "ms", "no long-poll is open"),
        Figure(f"subscribers.p99_ms.{kind}", min(beside), "ms", f"{idle} long-polls are open"),
        Figure(f"subscribers.p99_vs_none.{kind}", min(beside) / min(alone), "ratio", note),
    ]


async def subscriber(wire: Wire) -> None:
    """Wait for an event past the end, for ever."""
    where = urlsplit(wire.url)
    _, path, _ = wire.to("events/subscribe?cursor=1000000000")
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        while True:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{wire.headers}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    finally:
        writer.close()
