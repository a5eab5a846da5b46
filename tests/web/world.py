"""A deployment in this process: the real control plane, the real console before it, and browsers that visit it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, insert
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

import control_plane.app
import control_plane.settings
import web_ui.app
import web_ui.settings
from control_plane import wiring
from control_plane.app import Parts
from control_plane.db.identities import Keys, new_secret
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.orchestrator.loop import Orchestrator
from control_plane.registry.operations import groups, workers
from control_plane.registry.rules import lifetimes, roles
from control_plane.registry.rules.relying import Client
from control_plane.registry.tables import operators, sessions, sign_in_codes
from control_plane.repos.examine import Examiner
from control_plane.repos.squash import Lineage
from store_client import (
    ControlPlaneClient,
    CreateExperiment,
    ExperimentDetail,
    OperatorRole,
    StaticBearer,
    StoreClient,
    Transport,
)
from tests.git.stock import Stock

HELLO = Path(__file__).parents[2] / "examples" / "hello"
CONTROL_PLANE, CONSOLE, ADMIN_TOKEN = "http://control-plane", "http://console", "the-admin-token"
MANUAL = {"ideator": "manual", "executor": "manual", "evaluator": "manual"}


@dataclass
class Line(httpx.AsyncBaseTransport):
    """The line from the console to the control plane: it can be cut, and it notes what went over it."""

    inner: httpx.AsyncBaseTransport
    is_cut: bool = False
    calls: list[str] = field(default_factory=list)
    bearers: list[tuple[str, str]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("connection refused")
        self.calls.append(f"{request.method} {request.url.path}")
        self.bearers.append((request.url.path, request.headers.get("authorization", "")))
        return await self.inner.handle_async_request(request)


@dataclass
class World:
    """One deployment. `deployment` is its administrator's client; `decide` is one round of the orchestrator."""

    data: Path
    parts: Parts
    line: Line
    settings: web_ui.settings.Settings
    app: Starlette
    console: ASGIApp
    deployment: ControlPlaneClient
    orchestrator: Orchestrator
    git: Stock
    stack: AsyncExitStack

    async def experiment(self, name: str = "Hello", directory: Path = HELLO, **given: Any) -> ExperimentDetail:
        """A new experiment; its roles are done by hand unless `automation` says otherwise."""
        body = {"name": name, "directory": str(directory), "automation": MANUAL, **given}
        return await self.deployment.create_experiment(CreateExperiment.model_validate(body))

    async def decide(self) -> None:
        """Let the orchestrator take every decision that is due."""
        await asyncio.to_thread(self.orchestrator.round)

    def store(self, experiment_id: str) -> StoreClient:
        """An experiment, as the administrator of the deployment."""
        return self.deployment.store(experiment_id)

    def repository(self, experiment_id: str) -> Path:
        return self.parts.repositories.existing(experiment_id)

    def browser(self, console: ASGIApp | None = None, **headers: str) -> httpx.AsyncClient:
        """Somebody's browser, not signed in; it follows no redirect by itself."""
        transport = httpx.ASGITransport(console or self.console)
        headers = {"Sec-Fetch-Site": "same-origin", **headers}
        return httpx.AsyncClient(transport=transport, base_url=CONSOLE, headers=headers)

    async def code(self) -> str:
        """A one-time code that signs the administrator in."""
        return (await self.deployment.create_sign_in_code()).code

    async def signed_in(self, code: str | None = None, console: ASGIApp | None = None) -> httpx.AsyncClient:
        """The browser of the administrator, or of whom a code is for."""
        browser = await self.stack.enter_async_context(self.browser(console))
        answer = await browser.post("/signin", data={"code": code or await self.code()})
        assert answer.status_code == 303, answer.text
        return browser

    async def person(self, name: str, role: OperatorRole = "operator") -> httpx.AsyncClient:
        """The browser of a new operator."""
        keys = self.parts.house.keys
        return await self.signed_in(await self.parts.house.write(lambda tx: _invite(tx, keys, (name, role))))

    async def end_sessions(self) -> None:
        """End everybody's session, as time would."""
        await self.parts.house.write(lambda tx: tx.connection.execute(delete(sessions)))

    async def another_console(self, **changes: Any) -> ASGIApp:
        """A second console of this deployment, or with another key that of another one."""
        app = web_ui.app.build(replace(self.settings, **changes), self.line)
        return await self.stack.enter_async_context(entered(app))


def _invite(tx: Tx, keys: Keys, who: tuple[str, OperatorRole]) -> str:
    """A one-time code of a new operator."""
    name, role = who
    operator_id, code = workers.make(tx.at(DEPLOYMENT), name), new_secret()
    kept, is_confined = roles.stored(role)
    person = {"operator_id": operator_id, "role": kept, "is_confined": is_confined, "created_at": tx.now}
    tx.connection.execute(insert(operators).values(person))
    if role == "administrator":
        groups.join(tx.at(DEPLOYMENT), str(groups.find_reserved(tx.at(DEPLOYMENT), "admins")), operator_id)
    row = {"operator_id": operator_id, "created_at": tx.now, "expires_at": lifetimes.after(tx.now, timedelta(hours=1))}
    tx.connection.execute(insert(sign_in_codes).values(digest=keys.digest(code), **row))
    return code


@asynccontextmanager
async def entered(app: Starlette) -> AsyncIterator[ASGIApp]:
    """The application between its start and its end, with the state that a server would hand to its requests."""
    async with app.router.lifespan_context(app) as state:

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        yield serve


@asynccontextmanager
async def open_world(data: Path, provider: Client | None = None) -> AsyncIterator[World]:
    """A deployment on a directory: no experiment yet, no loop running; closed afterwards."""
    told = control_plane.settings.Settings(data=data, admin_token=ADMIN_TOKEN, provider=provider)
    plane = control_plane.app.build(told)
    parts: Parts = plane.state.parts
    async with AsyncExitStack() as stack:
        line = Line(httpx.ASGITransport(await stack.enter_async_context(entered(plane)), raise_app_exceptions=False))
        settings = web_ui.settings.Settings(
            data=data,
            control_plane_url=CONTROL_PLANE,
            store_url=CONTROL_PLANE,
            credential_file=data / "console-token",
            cookie_key="a key for the cookies of this deployment",
            provider="Example ID" if provider is not None else "",
        )
        app = web_ui.app.build(settings, line)
        admin = Transport(CONTROL_PLANE, application=line.inner)
        stack.push_async_callback(admin.aclose)
        console = await stack.enter_async_context(entered(app))
        wings = wiring.wings(parts.identities.orchestrator, Examiner(parts.repositories), Lineage(parts.repositories))
        yield World(
            data=data,
            parts=parts,
            line=line,
            settings=settings,
            app=app,
            console=console,
            deployment=ControlPlaneClient(admin, StaticBearer("admin", ADMIN_TOKEN)),
            orchestrator=Orchestrator(parts.house, wings),
            git=Stock(data / "git-home"),
            stack=stack,
        )
