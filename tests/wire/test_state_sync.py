"""The states of experiments that another server hosts (protocol §11.3): read from it over HTTP, cached, and aging."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from control_plane.app import build
from control_plane.edge.house import House
from control_plane.registry.operations import syncing
from control_plane.registry.operations.registrations import STALE_AFTER_FAILURES
from control_plane.registry.sync import StateSync
from control_plane.registry.task_store_http import TaskStoreOverHttp
from control_plane.settings import Settings
from store_client.errors import Unreachable
from tests.wire.control_desk import CONFIG_URI, ControlDesk
from tests.wire.live import ADMIN_TOKEN, Servers, settle
from tests.wire.store_app import WireApp

UNKNOWN = f"exp_{'0' * 26}"


@asynccontextmanager
async def control_plane(url: str, data: Path, task_store_url: str | None) -> AsyncIterator[tuple[ControlDesk, House]]:
    """A control plane whose experiments are elsewhere."""
    settings = Settings(data=data, database_url=url, admin_token=ADMIN_TOKEN, task_store_url=task_store_url)
    app = await asyncio.to_thread(build, settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://control-plane", timeout=60) as http,
    ):
        yield ControlDesk(http), app.state.parts.house


@pytest.fixture
async def there(live_sqlite: Servers) -> AsyncIterator[WireApp]:
    """An experiment on the other server."""
    async with live_sqlite.client() as http:
        yield await settle(http)


@pytest.fixture
async def here(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[ControlDesk, House]]:
    """A control plane that asks when a test says so."""
    async with control_plane(database_url, tmp_path / "here", None) as opened:
        yield opened


def over_http(servers: Servers) -> TaskStoreOverHttp:
    return TaskStoreOverHttp(servers.urls[0] + "/", ADMIN_TOKEN)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that is gone."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


async def ask(house: House, states: TaskStoreOverHttp, times: int = 1) -> None:
    sync = StateSync(house, states, poll_seconds=0)
    for _ in range(times):
        await asyncio.to_thread(sync.round)


async def test_a_poll_sees_the_end_and_keeps_it(
    here: tuple[ControlDesk, House], there: WireApp, live_sqlite: Servers
) -> None:
    desk, house = here
    entry = await desk.entry(experiment_id=there.store.experiment_id)
    before = await desk.ask("admin", "GET", f"/experiments/{entry}")
    await ask(house, over_http(live_sqlite))
    assert await desk.ask("admin", "GET", f"/experiments/{entry}") == before, "running changes nothing"
    await there.post("v0:terminate", {"reason": "enough"}, "admins")
    assert await desk.ask("admin", "GET", f"/experiments/{entry}") == before, "nobody has asked yet"
    await desk.refused("invalid-precondition", "admin", "DELETE", f"/experiments/{entry}")
    await ask(house, over_http(live_sqlite))
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["last_known_state"] == "terminated"
    assert (await desk.call("admin", "DELETE", f"/experiments/{entry}")).status_code == 204


async def test_what_is_read_no_longer_is_said_to_be_stale_until_it_is_read_again(
    here: tuple[ControlDesk, House], there: WireApp, live_sqlite: Servers, silent: str
) -> None:
    desk, house = here
    entry, holder = await desk.entry(experiment_id=there.store.experiment_id), await desk.orchestrator()
    await ask(house, over_http(live_sqlite))
    lease = await desk.acquire(holder, entry)
    gone = TaskStoreOverHttp(silent, ADMIN_TOKEN)
    await ask(house, gone, STALE_AFTER_FAILURES - 1)
    assert "warnings" not in await desk.ask("admin", "GET", f"/experiments/{entry}")
    await ask(house, gone)
    stale = await desk.ask("admin", "GET", f"/experiments/{entry}")
    (warning,) = stale["warnings"]
    assert warning.startswith("state-sync-stale: last successful read at 2")
    assert (stale["last_known_state"], stale["lease"]) == ("running", lease)
    assert stale in (await desk.ask("admin", "GET", "/experiments"))["experiments"]
    await ask(house, over_http(live_sqlite))
    assert "warnings" not in await desk.ask("admin", "GET", f"/experiments/{entry}")


async def test_one_that_was_never_read_says_since_when(here: tuple[ControlDesk, House], silent: str) -> None:
    desk, house = here
    entry = await desk.entry()
    await ask(house, TaskStoreOverHttp(silent, ADMIN_TOKEN), STALE_AFTER_FAILURES)
    stale = await desk.ask("admin", "GET", f"/experiments/{entry}")
    assert stale["warnings"] == [
        f"state-sync-stale: no successful read since its registration at {stale['created_at']}"
    ]


async def test_acquiring_refreshes_the_state_first(
    database_url: str, tmp_path: Path, there: WireApp, live_sqlite: Servers
) -> None:
    async with control_plane(database_url, tmp_path / "here", live_sqlite.urls[0]) as (desk, _):
        entry, holder = await desk.entry(experiment_id=there.store.experiment_id), await desk.orchestrator()
        await there.post("v0:terminate", {"reason": ""}, "admins")
        body = {"holder": "admin", "holder_instance": "i"}
        assert (await desk.call("admin", "POST", f"/experiments/{entry}/leases", body)).status_code == 403
        assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["last_known_state"] == "running"
        lease = await desk.acquire(holder, entry)
        after = await desk.ask("admin", "GET", f"/experiments/{entry}")
        assert (after["last_known_state"], after["lease"]) == ("terminated", lease)
        body = {"holder": holder, "holder_instance": "i"}
        await desk.refused("not-found", holder, "POST", f"/experiments/{UNKNOWN}/leases", body)


async def test_acquiring_succeeds_though_nobody_answers(database_url: str, tmp_path: Path, silent: str) -> None:
    async with control_plane(database_url, tmp_path / "here", silent) as (desk, _):
        entry = await desk.entry()
        assert (await desk.acquire(await desk.orchestrator(), entry))["experiment_id"] == entry


async def test_an_experiment_that_is_not_made_yet_is_not_stale(
    here: tuple[ControlDesk, House], live_sqlite: Servers
) -> None:
    desk, house = here
    entry = await desk.entry()
    await ask(house, over_http(live_sqlite), STALE_AFTER_FAILURES)
    kept = await desk.ask("admin", "GET", f"/experiments/{entry}")
    assert (kept["last_known_state"], "warnings" in kept) == ("running", False)


async def test_one_that_is_hosted_here_is_read_here_and_never_asked_for(
    here: tuple[ControlDesk, House], silent: str
) -> None:
    desk, house = here
    hosted = await settle(desk.http)
    await ask(house, TaskStoreOverHttp(silent, ADMIN_TOKEN), STALE_AFTER_FAILURES)
    await hosted.post("v0:terminate", {"reason": ""}, "admins")
    entry = await desk.ask("admin", "GET", f"/experiments/{hosted.store.experiment_id}")
    assert (entry["last_known_state"], "warnings" in entry) == ("terminated", False)


async def test_of_several_processes_one_asks_and_each_experiment_has_its_turn(here: tuple[ControlDesk, House]) -> None:
    desk, house = here
    entries = {await desk.entry(config_uri=CONFIG_URI) for _ in range(3)}
    assert set(house.writer.write(lambda tx: syncing.take_due(tx, 3600))) == entries
    assert house.writer.write(lambda tx: syncing.take_due(tx, 3600)) == []


ANSWERS = {
    "a fault": (500, b"{}"),
    "no JSON": (200, b"<html>"),
    "no experiment": (200, b'{"state": "asleep"}'),
    "no entry": (403, b'{"type": "eden://error/forbidden"}'),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_says_nothing_is_no_answer(kind: str) -> None:
    status, body = ANSWERS[kind]

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with pytest.raises(Unreachable):
                TaskStoreOverHttp(f"http://127.0.0.1:{server.server_port}", ADMIN_TOKEN)(UNKNOWN)
        finally:
            server.shutdown()
            thread.join()
