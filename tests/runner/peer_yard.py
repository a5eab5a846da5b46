"""An experiment on a peer, its people, and an orchestrator that is nothing but calls of the protocol."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from starlette.types import ASGIApp

from control_plane.app import build
from control_plane.settings import Settings
from store_client.client import ControlPlaneClient, StoreClient
from store_client.creation import settle_task
from store_client.credentials import FileBearer, StaticBearer
from store_client.settle import Landed, settle_integration
from store_client.transport import Transport
from store_client.turns import settle_accept, settle_reject
from store_client.wire.experiments import CreateExperiment, ExperimentDetail
from store_client.wire.ideas import IdeaState
from store_client.wire.tasks import SUBJECT, CreateTask, TaskKind, TaskState
from store_client.wire.variants import VariantStatus
from tests.peers import Liberal, only_the_protocol
from tests.runner.houses import SECONDS, seed

NOW = "2030-01-01T00:00:00Z"
Manner = Literal["plain", "liberal"]


@dataclass
class PeerYard:
    """One experiment; `transport(role)` is what a worker's program knows of its server."""

    experiment: ExperimentDetail
    ours: ControlPlaneClient
    app: ASGIApp
    application: httpx.AsyncBaseTransport
    data: Path
    config: dict[str, Any]
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    transports: list[Transport] = field(default_factory=list)

    @property
    def repository(self) -> Path:
        return self.data / "repos" / f"{self.experiment.experiment_id}.git"

    def transport(self) -> Transport:
        made = Transport("http://peer", application=self.application, configs=self.configs)
        self.transports.append(made)
        return made

    @property
    def configs(self) -> dict[str, Any]:
        return {self.experiment.experiment_id: self.config}

    @property
    def admin(self) -> ControlPlaneClient:
        return ControlPlaneClient(self.transport(), FileBearer(self.data / "admin-token", "admin"))

    def store(self, name: str) -> StoreClient:
        """The experiment, as one of its workers."""
        return StoreClient(self.transport(), StaticBearer(*self.tokens[name]), self.experiment.experiment_id)

    async def register(self, name: str, group: str | None = None) -> None:
        """A worker by the calls of the protocol, in a reserved group if it is to be in one."""
        store = self.admin.store(self.experiment.experiment_id)
        made = await store.register_worker(name)
        self.tokens[name] = made.worker_id, made.registration_token
        if group is not None:
            found = (await store.list_groups(group)).groups[0]
            assert made.worker_id in (await store.add_to_group(found.group_id, made.worker_id)).members

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        """What the condition gives once it gives anything; asked again after every commit."""
        async with asyncio.timeout(SECONDS):
            while True:
                cursor = (await self.ours.read_deployment_log()).cursor
                found = await condition()
                if found:
                    return found
                await self.ours.read_deployment_log(cursor, 1)


class Quiet(uvicorn.Server):
    """A server that leaves signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address of an application on loopback, until the end of the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Quiet(uvicorn.Config(app, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


class Script:
    """An orchestrator from outside: creates the tasks, decides, and records what is integrated."""

    def __init__(self, store: StoreClient) -> None:
        self._store = store

    async def round(self) -> None:
        """Do whatever is to be done now."""
        for task in await self._store.list_tasks(state=TaskState.SUBMITTED):
            is_good = (await self._store.read_submission(task.task_id))["status"] == "success"
            decide = settle_accept if is_good else _reject
            assert await decide(self._store, task.task_id) == Landed()
        for idea in await self._store.list_ideas(IdeaState.READY):
            await self.task("execution", idea.idea_id)
        for variant in await self._store.list_variants(VariantStatus.STARTING):
            if variant.commit_sha:
                await self.task("evaluation", variant.variant_id)
        for variant in await self._store.list_variants(VariantStatus.SUCCESS):
            if variant.variant_commit_sha is None and variant.kind is None:
                assert await settle_integration(self._store, variant.variant_id, "c" * 40) == Landed()

    async def task(self, kind: TaskKind, subject: str) -> None:
        body = CreateTask(
            task_id=f"{kind}-of-{subject}",
            kind=kind,
            state="pending",
            payload={SUBJECT[kind]: subject},
            created_at=NOW,
            updated_at=NOW,
        )
        await settle_task(self._store, body)


async def _reject(store: StoreClient, task_id: str) -> Any:
    return await settle_reject(store, task_id, "worker_error")


@asynccontextmanager
async def peer_yard(data: Path, manner: Manner, config: dict[str, Any]) -> AsyncIterator[PeerYard]:
    """A peer with one experiment and its four workers, until the end of the block."""
    app = build(Settings(data, runs_orchestrator=False, runs_scheduler=False))
    async with app.router.lifespan_context(app):
        ours = ControlPlaneClient(
            Transport("http://house", application=httpx.ASGITransport(app)), FileBearer(data / "admin-token", "admin")
        )
        directory = str(seed(data / "source", config))
        experiment = await ours.create_experiment(CreateExperiment(directory=directory, name="peer"))
        alone = only_the_protocol(app)
        peer: httpx.AsyncBaseTransport = httpx.ASGITransport(alone)
        yard = PeerYard(experiment, ours, alone, Liberal(peer) if manner == "liberal" else peer, data, config)
        for name in ("ideator", "executor", "evaluator"):
            await yard.register(name)
        await yard.register("script", "orchestrators")
        yield yard
        for transport in yard.transports:
            await transport.aclose()
        await ours.aclose()
