"""The whole control plane over HTTP, in process or as server processes, and an experiment made over the wire alone."""

import asyncio
import json
import os
import select
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from control_plane.app import build
from control_plane.settings import Settings
from tests.store.task_house import CONFIG
from tests.wire.contract import HOOKS
from tests.wire.store_app import WireApp

ADMIN_TOKEN = "admin-token"
ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
PEOPLE = {"ann": None, "bob": None, "eve": None, "orchestrators": "orchestrators", "admins": "admins"}
"""Who works in the experiment, and in which reserved group."""


@dataclass(frozen=True)
class People:
    """One experiment and those who work in it."""

    experiment_id: str
    base: str | None
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        return self.ids[name]


class RoundRobin(httpx.AsyncBaseTransport):
    """Spreads requests over several servers, one after the other."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = cycle([httpx.URL(url) for url in urls])
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and quicker to make than one with authorities
        self._inner = httpx.AsyncHTTPTransport(plain, limits=httpx.Limits(max_connections=None))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        server = next(self._urls)
        request.url = request.url.copy_with(scheme=server.scheme, host=server.host, port=server.port)
        request.headers["host"] = f"{server.host}:{server.port}"
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def settle(http: httpx.AsyncClient, seed: Path | None = None, **config: Any) -> WireApp:
    """A new running experiment and its people, made as an administrator makes them.

    With a `seed` directory it has a repository and a base commit.
    """
    admin = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}
    body = {"config": CONFIG | config, "name": "An experiment"}
    if seed is not None:
        body["directory"] = str(seed)
    made = _json(await http.post("/api/experiments", json=body, headers=admin))
    people = People(made["experiment_id"], made.get("base_commit_sha"))
    headers = admin | {"X-Eden-Experiment-Id": people.experiment_id}
    base = f"/v0/experiments/{people.experiment_id}"
    for name, group in PEOPLE.items():
        worker = _json(await http.post(f"{base}/workers", json={"name": name}, headers=headers))
        people.ids[name], people.tokens[name] = worker["worker_id"], worker["registration_token"]
        if group is not None:
            found = _json(await http.get(f"{base}/groups", params={"name": group}, headers=headers))["groups"]
            path = f"{base}/groups/{found[0]['group_id']}/members"
            _json(await http.post(path, json={"member_id": worker["worker_id"]}, headers=headers))
    return WireApp(people, http)


@asynccontextmanager
async def in_process(url: str, data: Path, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole control plane in this process, over a migrated database; without loops but those named."""
    settings = Settings(data=data, database_url=url, admin_token=ADMIN_TOKEN, **more)
    app = await asyncio.to_thread(build, settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://control-plane", timeout=60, event_hooks=HOOKS) as http,
    ):
        yield http


@dataclass(frozen=True)
class Servers:
    """Server processes over one database and one data directory."""

    urls: list[str]
    processes: list["subprocess.Popen[str]"]
    data: Path

    def client(self) -> httpx.AsyncClient:
        """A client that spreads its requests over all of them."""
        transport = RoundRobin(self.urls)
        return httpx.AsyncClient(transport=transport, base_url=self.urls[0], timeout=60, event_hooks=HOOKS)


@contextmanager
def serving_processes(url: str, data: Path, replicas: int = 1, *options: str) -> Iterator[Servers]:
    """`python -m control_plane` as so many processes, without their loops; ended afterwards."""
    with ExitStack() as opened:
        processes = []
        for _ in range(replicas):
            processes.append(start(url, data, *options))
            opened.callback(end, processes[-1])
        yield Servers([ready(process, data) for process in processes], processes, data)


def start(url: str, data: Path, *options: str) -> "subprocess.Popen[str]":
    """One server process; what it says on standard error is kept beside its data."""
    data.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SWITCHYARD_", "EDEN_"))}
    environment |= {"SWITCHYARD_ADMIN_TOKEN": ADMIN_TOKEN}
    command = [sys.executable, "-m", "control_plane", "--data", str(data), "--port", "0", "--database-url", url]
    with (data / "errors.log").open("a") as errors:
        return subprocess.Popen(
            [*command, "--no-orchestrator", "--no-scheduler", *options],
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip


def ready(process: "subprocess.Popen[str]", data: Path) -> str:
    """The address of a server, once it says that it is ready."""
    assert process.stdout is not None
    has_come, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline() if has_come else ""
    assert line, f"the server did not start: {(data / 'errors.log').read_text()[-2000:]}"
    return str(json.loads(line)["control_plane"])


def end(process: "subprocess.Popen[str]") -> None:
    """Ask a server to stop, and see to it that it does."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _json(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()
