"""Automatic roles: a host for each role that is automatic in each running experiment, as events come and go."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from store_client.client import ControlPlaneClient
from store_client.credentials import ExchangedBearer, ReadBearer
from store_client.errors import Unauthorized
from store_client.runner.endure import Endurance
from store_client.runner.host import CONFIG_CHANGED, Host, Pace
from store_client.runner.runs import Queued
from store_client.transport import Transport
from store_client.wire.events import LogPage
from store_client.wire.experiments import ROLES, ExperimentSummary, Role, Status

WAIT_SECONDS = 20.0
SETTLE_SECONDS = 0.05
"""Events come in bursts; waiting this long after the first lets one look answer them all."""


class NamedBearer(ReadBearer):
    """One of the credentials in a JSON file of `{name: "worker_id:secret"}`."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__()
        self._path = path
        self._name = name

    def _read(self) -> str:
        try:
            return str(json.loads(self._path.read_text(encoding="utf-8"))[self._name])
        except (OSError, ValueError, KeyError) as error:
            raise Unauthorized(f"{self._path} holds no credential of {self._name}") from error


@dataclass
class Post:
    """A host at work."""

    host: Host
    task: asyncio.Task[None]


class Automation:
    """Keeps the right hosts running, from the log of the deployment."""

    def __init__(self, transport: Transport, token_file: Path, pace: Pace | None = None) -> None:
        self._deployments: Mapping[Role, ControlPlaneClient] = {
            role: ControlPlaneClient(transport, NamedBearer(token_file, f"auto-{role}")) for role in ROLES
        }
        self._reader = self._deployments["ideator"]
        self._pace = pace or Pace()
        self._posts: dict[tuple[str, Role], Post] = {}
        self._cursor: int | None = None

    async def run(self) -> None:
        """Run hosts until cancelled."""
        endurance = Endurance(self._pace.patience)
        try:
            while True:
                if not await endurance.endure("automatic roles wait", self.tick()):
                    self._cursor = None
                    await endurance.pause()
        finally:
            await self._stop([post.task for post in self._posts.values()])

    async def tick(self) -> None:
        """Look at all experiments when something about them changed, then wait for the next events."""
        if self._cursor is None:
            self._cursor = (await self._reader.read_deployment_log()).cursor
            await self.look()
            for post in self._posts.values():  # nobody knows what happened meanwhile
                post.host.reread()
        page = await self._reader.read_deployment_log(self._cursor, WAIT_SECONDS)
        self._cursor = page.cursor
        if not page.events or any(event.type.startswith("experiment.") for event in page.events):
            await self.look()
        self._wake(page)
        await asyncio.sleep(SETTLE_SECONDS if page.events else 0)

    async def look(self) -> None:
        """Start the hosts that are wanted and have the others claim nothing more."""
        experiments = await self._reader.list_experiment_summaries(status=Status.RUNNING)
        wanted = {(summary.experiment_id, role) for summary in experiments for role in automatic_roles(summary)}
        for key in wanted - self._posts.keys():
            self._posts[key] = self._open(*key)
        for key, post in self._posts.items():
            post.host.is_claiming = key in wanted
            post.host.wake()
        idle = [key for key, post in self._posts.items() if key not in wanted and not post.host.is_busy]
        await self._stop([self._posts.pop(key).task for key in idle])

    def _open(self, experiment_id: str, role: Role) -> Post:
        deployment = self._deployments[role]
        bearer = ExchangedBearer(lambda: deployment.exchange(experiment_id))
        store = deployment.store(experiment_id, bearer)
        host = Host(store, role, Queued(store, deployment), self._pace)
        return Post(host, asyncio.create_task(host.run(), name=f"{role} of {experiment_id}"))

    def _wake(self, page: LogPage) -> None:
        told = {event.experiment_id for event in page.events if event.type.startswith("task.")}
        reconfigured = {event.experiment_id for event in page.events if event.type == CONFIG_CHANGED}
        for (experiment_id, _), post in self._posts.items():
            if experiment_id in reconfigured:
                post.host.reread()
            elif experiment_id in told:
                post.host.wake()

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def automatic_roles(summary: ExperimentSummary) -> list[Role]:
    """The roles that automatic workers do in an experiment."""
    return [role for role in ROLES if getattr(summary.automation, role) == "automatic"]
