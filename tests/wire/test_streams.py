"""Event streams: everything once and in order, from wherever the client stopped, until it may no longer read."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, update
from starlette.applications import Starlette

from control_plane.db.tables import DEPLOYMENT, credentials
from control_plane.db.transaction import ADMIN, Tx
from control_plane.edge import streams
from control_plane.edge.problems import HANDLERS
from control_plane.task_store.routes import Shelf, routes
from store_client import ControlPlaneClient, LogEvent, StaticBearer, StoreClient, Unreachable
from store_client.transport import Patience, Transport
from tests.store.task_house import TaskHouse, begin_experiment, open_house, ulid
from tests.wire.live import ADMIN_TOKEN, READY_SECONDS, Servers, end, ready, settle, start
from tests.wire.store_app import WireApp
from tests.wire.streaming import SOON, Stream, opened

Opening = Callable[..., AbstractAsyncContextManager[Stream]]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[TaskHouse]:
    with open_house(database_url) as store:
        store.house.hub.start()
        yield store


@pytest.fixture
def listen(house: TaskHouse, tmp_path: Path) -> Opening:
    """Opens a stream as somebody."""
    app = Starlette(routes=routes(house.house, Shelf(tmp_path)), exception_handlers=dict(HANDLERS))

    def open_(name: str = "ann", path: str = "", **more: Any) -> AbstractAsyncContextManager[Stream]:
        bearer = "admin:admin-token" if name == "admin" else f"{house.id_of(name)}:{house.tokens[name]}"
        headers = {"Authorization": f"Bearer {bearer}"} | more.pop("headers", {})
        base = path or f"/api/experiments/{house.experiment_id}/events/stream"
        return opened(app, httpx.Request("GET", f"http://store{base}", headers=headers, params=more))

    return open_


def work(house: TaskHouse, count: int, first: int = 0) -> list[int]:
    """Tell so many events in one commit, and give their numbers."""
    numbers = list(range(first, first + count))
    house.write(lambda tx: [tx.tell("job.queued", number=number) for number in numbers], ADMIN)
    return numbers


async def numbers(stream: Stream, count: int) -> list[int]:
    return [(await stream.event())["data"]["number"] for _ in range(count)]


async def hello(stream: Stream) -> int:
    block = await stream.next()
    assert block is not None
    assert block["event"] == "hello"
    return int(block["id"])


async def test_a_stream_begins_now_and_brings_everything_once_in_order(house: TaskHouse, listen: Opening) -> None:
    work(house, 3)
    async with listen() as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"
        assert await hello(stream) == 3
        for first in range(0, 50, 10):
            await asyncio.to_thread(work, house, 10, first)
        assert await numbers(stream, 50) == list(range(50))
        await asyncio.to_thread(house.task)
        event = await stream.event()
        assert event.keys() == {"position", "event_id", "type", "occurred_at", "experiment_id", "data"}
        assert (event["type"], event["position"]) == ("task.created", 54)
    assert not house.house.hub._waiters


async def test_what_was_missed_comes_first_however_much_it_is(house: TaskHouse, listen: Opening) -> None:
    total = 2 * streams.PAGE + 50
    work(house, total)
    for where in ({"after": 10}, {"after": 400, "headers": {"Last-Event-ID": "10"}}):
        async with listen(**where) as stream:
            assert await hello(stream) == 10
            assert await numbers(stream, total - 10) == list(range(10, total))
            await asyncio.to_thread(work, house, 1, total)
            assert await numbers(stream, 1) == [total]
        total += 1


async def test_a_stream_is_of_one_experiment_or_of_all(house: TaskHouse, listen: Opening) -> None:
    other = "exp_" + ulid(2)
    house.write(lambda tx: begin_experiment(tx, other), ADMIN)
    async with listen() as one, listen("admin", "/api/events/stream") as every:
        assert (await hello(one), await hello(every)) == (0, 0)
        house.write(lambda tx: tx.at(other).tell("job.queued", number=1), ADMIN)
        house.write(lambda tx: tx.at(DEPLOYMENT).tell("worker.registered", number=2), ADMIN)
        work(house, 1, 3)
        assert await numbers(one, 1) == [3]
        events = [await every.event() for _ in range(3)]
    assert [(event["data"]["number"], event.get("experiment_id")) for event in events] == [
        (1, other), (2, None), (3, house.experiment_id),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        ({"headers": {"Authorization": "Bearer admin:guess"}}, 401, "unauthorized"),
        ({"name": "ann", "path": "/api/events/stream"}, 401, "unauthorized"),
        ({"name": "admin", "path": f"/api/experiments/exp_{ulid(9)}/events/stream"}, 404, "not-found"),
        ({"after": "-1"}, 400, "bad-request"),
        ({"headers": {"Last-Event-ID": "x"}}, 400, "bad-request"),
        ({"headers": {"Last-Event-ID": "1&after=2"}}, 400, "bad-request"),
    ],
)
async def test_who_may_not_read_gets_a_problem_and_no_stream(
    listen: Opening, asked: dict[str, Any], status: int, kind: str
) -> None:
    async with listen(**asked) as stream:
        assert stream.status == status
        assert stream.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert json.loads(stream.text)["type"] == f"eden://error/{kind}"


async def ended(stream: Stream) -> dict[str, Any]:
    """Why the stream ended, which it must have done by now."""
    block = await stream.next()
    assert block is not None
    assert block["event"] == "end", block
    assert await stream.next() is None
    reason: dict[str, Any] = json.loads(block["data"])
    return reason


async def test_a_credential_that_is_taken_away_ends_the_stream(house: TaskHouse, listen: Opening) -> None:
    def revoke(tx: Tx) -> None:
        tx.connection.execute(delete(credentials).where(credentials.c.worker_id == house.id_of("ann")))
        tx.tell("worker.reissued", number=1)

    async with listen() as stream:
        await hello(stream)
        house.write(revoke, ADMIN)
        assert (await ended(stream))["type"] == "eden://error/unauthorized"


async def test_a_credential_that_expires_ends_a_silent_stream(
    house: TaskHouse, listen: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    expired = update(credentials).where(credentials.c.worker_id == house.id_of("ann")).values(expires_at="2001")
    async with listen() as stream:
        await hello(stream)
        house.write(lambda tx: tx.connection.execute(expired).close(), ADMIN)
        reason = await ended(stream)
    assert (reason["status"], reason["type"]) == (401, "eden://error/unauthorized")


async def test_a_silent_stream_shows_signs_of_life(listen: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    async with listen() as stream:
        await hello(stream)
        async with asyncio.timeout(SOON):
            while ": ping" not in stream.text:  # noqa: ASYNC110 - comments are no events
                await asyncio.sleep(0.01)
    assert stream.blocks.empty()


async def test_whoever_does_not_read_costs_one_page_and_is_dropped(
    house: TaskHouse, listen: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.2)
    async with listen() as slow, listen() as quick:
        await hello(slow)
        await hello(quick)
        slow.is_reading.clear()
        before = slow.text
        for first in range(0, 3 * streams.PAGE, streams.PAGE):
            work(house, streams.PAGE, first)
        assert await numbers(quick, 3 * streams.PAGE) == list(range(3 * streams.PAGE))
        async with asyncio.timeout(SOON):
            while len(house.house.hub._waiters.get(house.experiment_id, ())) != 1:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert slow.text == before
        assert slow.blocks.empty()


async def test_open_streams_end_when_the_server_stops(house: TaskHouse, listen: Opening) -> None:
    async with listen() as one, listen() as other:
        for stream in (one, other):
            await hello(stream)
        house.house.hub.close()
        assert [await stream.next() for stream in (one, other)] == [None, None]


def client_of(app: WireApp, url: str, name: str = "ann") -> StoreClient:
    bearer = StaticBearer(app.store.id_of(name), app.store.tokens[name])
    return StoreClient(Transport(url, Patience(attempts=40)), bearer, app.store.experiment_id)


async def drafted(app: WireApp, count: int) -> None:
    """Make so many tasks, each of which is one event."""
    for number in range(count):
        payload = {"experiment_id": app.store.experiment_id}
        at = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
        task = {"task_id": f"{uuid4().hex}-{number}", "kind": "ideation", "state": "pending", "payload": payload} | at
        await app.post("v0:tasks", task, "orchestrators")


async def test_an_iterator_goes_on_where_a_restarted_server_left_it(sqlite_url: str, tmp_path: Path) -> None:
    """Kill the server twice under an open iterator: no event is lost or doubled."""
    process = start(sqlite_url, tmp_path / "data")
    url = ready(process, tmp_path / "data")
    port = url.rpartition(":")[2]
    try:
        async with httpx.AsyncClient(base_url=url, timeout=READY_SECONDS) as http:
            app = await settle(http)
            seen: list[LogEvent] = []
            client = client_of(app, url)
            async with client, aclosing(client.stream_log(0)) as events:
                for _ in range(3):
                    await drafted(app, 5)
                    tip = (await app.get("api:events", is_newest_first=True, limit=1))["events"][0]["position"]
                    async with asyncio.timeout(SOON * 2):
                        while not seen or seen[-1].position < tip:
                            seen.append(await anext(events))
                    os.kill(process.pid, signal.SIGKILL)
                    end(process)
                    process = start(sqlite_url, tmp_path / "data", "--port", port)
                    await asyncio.to_thread(ready, process, tmp_path / "data")
            whole = (await app.get("api:events", after=0, limit=1000))["events"]
    finally:
        end(process)
    assert [event.event_id for event in seen] == [event["event_id"] for event in whole][: len(seen)]
    assert len([event for event in seen if event.type == "task.created"]) == 15


async def test_an_iterator_says_when_nobody_answers_for_long() -> None:
    nobody = Transport("http://127.0.0.1:9", Patience(attempts=2))
    async with ControlPlaneClient(nobody, StaticBearer("admin", ADMIN_TOKEN)) as client:
        with pytest.raises(Unreachable):
            await anext(client.stream_deployment_log())


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_a_server_streams_what_happens(kind: str, request: pytest.FixtureRequest) -> None:
    servers: Servers = request.getfixturevalue(f"live_{kind}")
    async with servers.client() as http:
        app = await settle(http)
        stream = partial(http.stream, "GET", f"{app.api}/events/stream", headers=app.headers("ann"))
        async with asyncio.timeout(SOON * 2), stream(params={"after": 0}) as response:
            assert response.status_code == 200
            lines = response.aiter_lines()
            async for line in lines:
                if line.startswith("event: hello"):
                    break
            await drafted(app, 1)
            async for line in lines:
                if line.startswith("data: ") and "task.created" in line:
                    break
