"""Somebody else's server: our own control plane of which only `/v0` is to be had, and consoles of ours before it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette
from starlette.types import ASGIApp

import web_ui.app
from store_client import ExperimentDetail, RegisteredWorker
from tests.web.desk import Desk
from tests.web.reading import says
from tests.web.world import ADMIN_TOKEN, World, entered, open_world
from web_ui.door import OwnDoor
from web_ui.settings import Own

FOREIGN = "http://foreign"


@dataclass
class Fence(httpx.AsyncBaseTransport):
    """The line to a server that speaks the protocol alone; it notes who asked for what, and can be cut."""

    inner: httpx.AsyncBaseTransport
    is_cut: bool = False
    hidden: str = "/api/"
    """What is not there, besides everything outside `/v0`."""
    is_ours: bool = False
    """Whether it is our own server all the same, with all that it has."""
    untold: tuple[str, ...] = ()
    """Optional fields of the experiment that this server leaves out."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and principal of each request that went through."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("connection refused")
        is_there = request.url.path.startswith("/v0/") and not request.url.path.startswith(self.hidden)
        if not self.is_ours and not is_there:
            problem = {"type": "eden://error/not-found", "title": "Not found", "status": 404}
            return httpx.Response(404, json=problem, headers={"content-type": "application/problem+json"})
        principal = request.headers.get("authorization", "").removeprefix("Bearer ").partition(":")[0]
        self.asked.append((request.method, request.url.path, principal))
        answer = await self.inner.handle_async_request(request)
        return await self._without(answer) if self.untold and request.url.path.count("/") == 3 else answer

    async def _without(self, answer: httpx.Response) -> httpx.Response:
        await answer.aread()
        return httpx.Response(
            answer.status_code, json={key: value for key, value in answer.json().items() if key not in self.untold}
        )


@dataclass
class Console:
    """A console of ours before that server."""

    app: Starlette
    serving: ASGIApp
    data: Path

    def link(self) -> str:
        """The path of a link that signs its operator in."""
        return f"/signin?code={OwnDoor(self.data).mint()}"


@dataclass
class Foreign:
    """That server; what only its own operators can do there is done through `world`."""

    world: World
    fence: Fence

    async def console(self, name: str = "console", **own: Any) -> Console:
        """A console with an operator of its own, told what it is told."""
        data = self.world.data / name
        data.mkdir(exist_ok=True)
        own.setdefault("credential_file", data / "console-credentials.json")
        settings = replace(self.world.settings, data=data, control_plane_url=FOREIGN, store_url=FOREIGN, own=Own(**own))
        app = web_ui.app.build(settings, self.fence)
        return Console(app, await self.world.stack.enter_async_context(entered(app)), data)

    def admin_token(self) -> Path:
        """A file with the server's admin token."""
        return secret_file(self.world.data / "their-admin-token", ADMIN_TOKEN)

    def credentials(self, workers: Mapping[str, RegisteredWorker]) -> Path:
        """A file with the credential of a worker in each of some experiments."""
        held = {id_: f"{made.worker_id}:{made.registration_token}" for id_, made in workers.items()}
        return secret_file(self.world.data / "their-credentials.json", json.dumps(held))

    def config(self, one: ExperimentDetail) -> Path:
        """The experiment's config as its author has it."""
        path = self.world.data / f"{one.experiment_id}.yaml"
        path.write_text(yaml.safe_dump(one.config), encoding="utf-8")
        return path

    async def worker(self, one: ExperimentDetail, name: str = "Olga") -> RegisteredWorker:
        """A worker that the server's administrator made for somebody."""
        return await self.world.store(one.experiment_id).register_worker(name)

    async def signed_in(self, console: Console) -> httpx.AsyncClient:
        """The browser of a console's operator."""
        browser = await self.world.stack.enter_async_context(self.world.browser(console.serving))
        answer = await browser.post("/signin", data={"code": console.link().partition("=")[2]})
        assert answer.status_code == 303, says(answer)
        return browser

    async def desk(self, one: ExperimentDetail, console: Console) -> Desk:
        """The console's operator at the desks of an experiment, which that console has under a slug of its own."""
        return await Desk.of(self.world, one.having(slug=slug(one)), await self.signed_in(console))


def secret_file(path: Path, text: str) -> Path:
    """A file that its owner alone reads."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def slug(one: ExperimentDetail) -> str:
    """What stands for an experiment in the addresses of a console before somebody else's server."""
    return f"{one.slug}-{one.experiment_id[-4:]}"


@asynccontextmanager
async def open_foreign(data: Path) -> AsyncIterator[Foreign]:
    """Such a server on a directory, with nothing in it."""
    async with open_world(data) as world:
        yield Foreign(world, Fence(world.line.inner))
