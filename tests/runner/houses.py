"""A real control plane in this process, with its loops, and experiments made of shell commands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from control_plane.app import build
from control_plane.settings import Settings
from store_client.client import ControlPlaneClient, StoreClient
from store_client.credentials import ExchangedBearer, FileBearer
from store_client.runner.automation import Automation, NamedBearer
from store_client.runner.host import Host, Pace
from store_client.runner.listener import Listener
from store_client.runner.runs import Queued
from store_client.transport import Patience, Transport
from store_client.wire.experiments import CreateExperiment, ExperimentDetail, Role

SECONDS = 120.0
PATIENCE = Patience(first_pause_seconds=0.02, longest_pause_seconds=0.1)
TOLD = Pace(look_seconds=600, patience=PATIENCE)
"""Looks only when an event says so."""
EAGER = Pace(look_seconds=0.2, patience=PATIENCE)
"""Nobody tells a host alone."""
IDEATE = """read request
printf '{"event": "idea", "slug": "try-%s", "content": "%s"}\\n' $$ $$
printf '{"event": "ideation-done"}\\n'"""
EXECUTE = """cp .eden/idea.md idea.txt; printf '{"status": "success"}' >"$EDEN_OUTPUT" """
EVALUATE = """printf '{"status": "success", "evaluation": {"score": 1}}' >"$EDEN_OUTPUT" """


@dataclass
class Cut(httpx.AsyncBaseTransport):
    """The wire to an application; while it is cut, nothing gets through."""

    inner: httpx.AsyncBaseTransport
    is_cut: bool = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("cut", request=request)
        return await self.inner.handle_async_request(request)


@dataclass
class House:
    """A deployment, and what its administrator sees and does."""

    data: Path
    wire: Cut
    transport: Transport = field(init=False)
    deployment: ControlPlaneClient = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Transport("http://house", Patience(attempts=2, first_pause_seconds=0.01), self.wire)
        own = Transport("http://house", application=self.wire.inner)
        self.deployment = ControlPlaneClient(own, FileBearer(self.data / "admin-token", "admin"))

    def store(self, experiment: ExperimentDetail) -> StoreClient:
        """The experiment, as its administrator."""
        return self.deployment.store(experiment.experiment_id)

    def automation(self) -> Automation:
        return Automation(self.transport, self.data / "runner-tokens.json", TOLD)

    def host(self, experiment: ExperimentDetail, role: Role, pace: Pace = EAGER) -> Host:
        """A host of a role, as the deployment's automatic worker; each is a process of its own, as it were."""
        deployment = ControlPlaneClient(self.transport, NamedBearer(self.data / "runner-tokens.json", f"auto-{role}"))
        bearer = ExchangedBearer(lambda: deployment.exchange(experiment.experiment_id))
        store = deployment.store(experiment.experiment_id, bearer)
        return Host(store, role, Queued(store, deployment), pace)

    async def experiment(self, name: str, **changes: Any) -> ExperimentDetail:
        """A new experiment whose commands are one line of shell each."""
        directory = seed(self.data / "sources" / name, {**config(), **changes})
        return await self.deployment.create_experiment(CreateExperiment(directory=str(directory), name=name, slug=name))

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        """What the condition gives once it gives anything; asked again after every commit."""
        async with asyncio.timeout(SECONDS):
            while True:
                cursor = (await self.deployment.read_deployment_log()).cursor
                found = await condition()
                if found:
                    return found
                await self.deployment.read_deployment_log(cursor, 1)


def seed(directory: Path, config: dict[str, Any]) -> Path:
    """The directory of an experiment."""
    directory.mkdir(parents=True)
    (directory / "idea.txt").write_text("nothing yet\n")
    (directory / "experiment.yaml").write_text(yaml.safe_dump(config))
    return directory


def is_alive(pid: int) -> bool:
    """Whether it runs: what has ended, and nobody has asked about yet, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def config() -> dict[str, Any]:
    return {
        "parallel_variants": 1,
        "evaluation_schema": {"score": "real"},
        "objective": {"expr": "score", "direction": "maximize"},
        "ideation_policy": {"kind": "fixed_total", "total": 1},
        "ideation_command": IDEATE,
        "execution_command": EXECUTE,
        "evaluation_command": EVALUATE,
    }


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[House]:
    """A control plane with its loops, until the end of the block."""
    app = build(
        Settings(
            data, own_url="http://house", cpu_slots=2, runs_orchestrator=True, runs_scheduler=True, ends_attempts=True
        )
    )
    async with app.router.lifespan_context(app):
        house = House(data, Cut(httpx.ASGITransport(app)))
        yield house
        await house.transport.aclose()
        await house.deployment.aclose()


@asynccontextmanager
async def running(work: Automation | Host | Listener) -> AsyncIterator[asyncio.Task[None]]:
    """A worker host at work, until the end of the block."""
    task = asyncio.create_task(work.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
