"""`--auth off`: for harnesses on this machine, everybody is whom they say they are, and the server says so loudly."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from control_plane.settings import parse
from tests.store.task_house import AT, ulid
from tests.wire.live import ROOT, Servers, serving_processes, settle
from tests.wire.store_app import WireApp


@pytest.fixture(scope="module")
def believing(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    data = tmp_path_factory.mktemp("believing") / "data"
    with serving_processes(f"sqlite:///{data / 'switchyard.db'}", data, 1, "--auth", "off") as servers:
        yield servers


@pytest.fixture
async def app(believing: Servers) -> AsyncIterator[WireApp]:
    async with believing.client() as http:
        yield await settle(http)


def as_somebody(app: WireApp, bearer: str | None) -> dict[str, str]:
    header = {"X-Eden-Experiment-Id": app.store.experiment_id}
    return header if bearer is None else header | {"Authorization": f"Bearer {bearer}"}


async def test_whoever_is_named_is_believed(app: WireApp) -> None:
    ann = app.store.id_of("ann")
    for bearer in (f"{ann}:guess", ann, f"{ann}:"):
        me = await app.http.get(f"{app.v0}/whoami", headers=as_somebody(app, bearer))
        assert me.json() == {"worker_id": ann, "name": "ann"}
    stranger = f"wkr_{ulid(3)}"
    me = await app.http.get(f"{app.v0}/whoami", headers=as_somebody(app, f"{stranger}:x"))
    assert me.json() == {"worker_id": stranger}
    for bearer in ("bob:x", "wkr_short:x"):
        refused = await app.http.get(f"{app.v0}/whoami", headers=as_somebody(app, bearer))
        assert refused.json()["type"] == "eden://error/unauthorized"


async def test_no_gate_is_applied_and_nobody_is_the_administrator(app: WireApp) -> None:
    task = {"task_id": "t", "kind": "ideation", "state": "pending", "created_at": AT, "updated_at": AT}
    body = task | {"payload": {"experiment_id": app.store.experiment_id}}
    ann = as_somebody(app, f"{app.store.id_of('ann')}:x")
    assert (await app.http.post(f"{app.v0}/tasks", json=body, headers=ann)).status_code == 200
    assert (await app.http.post(f"{app.v0}/workers", json={"name": "new"}, headers=ann)).status_code == 200
    nobody = as_somebody(app, None)
    made = await app.http.post(f"{app.v0}/workers", json={"name": "new"}, headers=nobody)
    assert made.json()["registered_by"] == "admin"
    assert (await app.http.get("/v0/control/experiments")).status_code == 200
    other = {"X-Eden-Experiment-Id": f"exp_{ulid(9)}"}
    mismatch = await app.http.get(f"{app.v0}/tasks", headers=other)
    assert mismatch.json()["type"] == "eden://error/experiment-id-mismatch"


async def test_it_says_loudly_what_it_is(app: WireApp, believing: Servers, live_sqlite: Servers) -> None:
    assert (await app.http.get("/health")).json()["auth"] == "off"
    assert "NO CREDENTIAL IS CHECKED" in (believing.data / "errors.log").read_text()
    async with live_sqlite.client() as http:
        assert "auth" not in (await http.get("/health")).json()
        assert (await http.get("/v0/control/experiments")).status_code == 401
    assert "CREDENTIAL" not in (live_sqlite.data / "errors.log").read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.org", ""])  # noqa: S104 - it is refused
def test_it_listens_on_loopback_alone(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(["--auth", "off", "--host", host], {})
    assert refused.value.code == 2
    assert "loopback only" in capsys.readouterr().err
    assert parse(["--auth", "on", "--host", host], {}).checks_credentials


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_has_several_names(host: str) -> None:
    assert not parse(["--auth", "off", "--host", host], {}).checks_credentials


def test_serve_takes_the_option(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "store_client.cli", "serve", "--data", str(tmp_path), "--port", "0"]
    given = [*command, "--auth", "off", "--host", "0.0.0.0"]  # noqa: S104 - it is refused
    refused = subprocess.run(given, capture_output=True, text=True, check=False, cwd=ROOT)
    assert refused.returncode == 2
    assert "loopback only" in refused.stderr


def test_nothing_but_the_setting_turns_it_off(tmp_path: Path) -> None:
    settings = parse(["--data", str(tmp_path)], {"SWITCHYARD_AUTH": "off"})
    assert not settings.keys().are_off
    assert replace(settings, checks_credentials=False).keys().are_off


async def test_a_server_that_is_asked_to_stop_ends_well(sqlite_url: str, tmp_path: Path) -> None:
    with serving_processes(sqlite_url, tmp_path / "data") as servers:
        async with servers.client() as http, httpx.AsyncClient(timeout=60) as other:
            await settle(http)
            stream = other.stream("GET", f"{servers.urls[0]}/api/events/stream", headers=_admin())
            async with stream as response:
                assert response.status_code == 200
                servers.processes[0].terminate()
                await response.aread()
    assert servers.processes[0].returncode == 0


def _admin() -> dict[str, str]:
    return {"Authorization": "Bearer admin:admin-token"}
