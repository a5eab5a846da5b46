"""An experiment on the wire and the pieces of a working day in it, shared by the tests of the protocol's rules."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.app import build
from control_plane.settings import Settings
from tests.store.task_house import AT, BASE, URI, sha
from tests.wire.contract import HOOKS
from tests.wire.live import ADMIN_TOKEN, Servers, settle
from tests.wire.store_app import Settled, WireApp

ONE_WAY = pytest.mark.parametrize("door", ["live-sqlite"], indirect=True, scope="session")
"""For what no database and no number of servers can change, such as the shape of a body."""
MANY = 100
"""So many events at once may not be all there are."""
SUBJECT = {"ideation": "experiment_id", "execution": "idea_id", "evaluation": "variant_id"}


@dataclass
class Door:
    """A way into one control plane, and an experiment behind it; `seen` counts the events of earlier tests."""

    client: Callable[[], httpx.AsyncClient]
    begin: Callable[[], None]
    store: Settled
    data: Path
    seen: int = 0


@contextmanager
def in_this_process(url: str, data: Path) -> Iterator[Door]:
    """The whole control plane in this process, without orchestrator and scheduler; it wakes each test's event loop."""
    app = build(Settings(data=data, database_url=url, admin_token=ADMIN_TOKEN))

    def client() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://control-plane", event_hooks=HOOKS)

    async def start() -> Settled:
        app.state.parts.start()
        return await _settled(client)

    try:
        yield Door(client, app.state.parts.house.hub.start, asyncio.run(start()), data)
    finally:
        app.state.parts.stop()


@contextmanager
def through(servers: Servers) -> Iterator[Door]:
    """Server processes."""
    yield Door(servers.client, lambda: None, asyncio.run(_settled(servers.client)), servers.data)


async def _settled(client: Callable[[], httpx.AsyncClient]) -> Settled:
    async with client() as http:
        return (await settle(http)).store


@dataclass(frozen=True)
class Yard(WireApp):
    """What a test of a rule works in."""

    place: list[int] = field(default_factory=lambda: [0])

    async def fresh(self, **config: Any) -> "Yard":
        """Another experiment, with nothing in it."""
        app = await settle(self.http, **config)
        return Yard(app.store, self.http)

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """The type and data of the events since this was asked last."""
        found: list[tuple[str, dict[str, Any]]] = []
        while True:
            batch = await self.get("v0:events", cursor=self.place[0])
            found += [(event["type"], event["data"]) for event in batch["events"]]
            self.place[0] = batch["cursor"]
            if len(batch["events"]) < MANY:
                return found

    async def types(self) -> list[str]:
        return [type_ for type_, _ in await self.told()]

    async def hears(self, type_: str, **data: Any) -> None:
        """Wait for an event that says this."""
        async with asyncio.timeout(60):
            while True:
                batch = await self.get("v0:events/subscribe", cursor=self.place[0])
                self.place[0] = batch["cursor"]
                if any(one["type"] == type_ and data.items() <= one["data"].items() for one in batch["events"]):
                    return

    async def changes_nothing(self, kind: str, name: str, path: str, body: Any = None, method: str = "POST") -> None:
        """A refusal of this kind that leaves no event."""
        await self.told()
        await self.refused(kind, name, method, path, body)
        assert await self.told() == []

    # bodies

    @staticmethod
    def new(prefix: str) -> str:
        return f"{prefix}-{uuid4().hex[:12]}"

    def task_body(self, kind: str = "ideation", subject: str = "", **changes: Any) -> dict[str, Any]:
        payload = {SUBJECT[kind]: subject or self.store.experiment_id}
        body = {"task_id": self.new("t"), "kind": kind, "state": "pending", "payload": payload}
        return body | {"created_at": AT, "updated_at": AT} | changes

    def idea_body(self, **changes: Any) -> dict[str, Any]:
        return {
            "idea_id": self.new("i"), "experiment_id": self.store.experiment_id, "slug": "an-idea", "priority": 1.5,
            "parent_commits": [BASE], "artifacts_uri": URI, "state": "drafting", "created_at": AT,
        } | changes  # fmt: skip

    def variant_body(self, idea_id: str, **changes: Any) -> dict[str, Any]:
        variant_id = self.new("v")
        return {
            "variant_id": variant_id, "experiment_id": self.store.experiment_id, "idea_id": idea_id,
            "status": "starting", "parent_commits": [BASE], "branch": f"work/bob/{variant_id}", "started_at": AT,
        } | changes  # fmt: skip

    def baseline_body(self, **changes: Any) -> dict[str, Any]:
        body = self.variant_body("", kind="baseline", commit_sha=BASE) | changes
        return {key: value for key, value in body.items() if key not in {"idea_id", "branch"} or key in changes}

    # acts

    async def task(self, kind: str = "ideation", subject: str = "", **changes: Any) -> str:
        body = self.task_body(kind, subject, **changes)
        await self.post("v0:tasks", body, "orchestrators")
        return str(body["task_id"])

    async def idea(self, *, is_ready: bool = True, **changes: Any) -> str:
        body = self.idea_body(**changes)
        await self.post("v0:ideas", body, "ann")
        if is_ready:
            await self.post(f"v0:ideas/{body['idea_id']}/mark-ready")
        return str(body["idea_id"])

    async def variant(self, idea_id: str, **changes: Any) -> str:
        body = self.variant_body(idea_id, **changes)
        await self.post("v0:variants", body, "bob")
        return str(body["variant_id"])

    async def claim(self, task_id: str, name: str = "bob", **wish: Any) -> dict[str, Any]:
        claim: dict[str, Any] = await self.post(f"v0:tasks/{task_id}/claim", wish, name)
        return claim

    async def submit(self, task_id: str, name: str = "bob", /, **payload: Any) -> None:
        assert await self.post(f"v0:tasks/{task_id}/submit", {"payload": payload}, name) is None

    async def accept(self, task_id: str) -> None:
        assert await self.post(f"v0:tasks/{task_id}/accept", name="orchestrators") is None

    async def reject(self, task_id: str, reason: str = "worker_error") -> None:
        assert await self.post(f"v0:tasks/{task_id}/reject", {"reason": reason}, "orchestrators") is None

    async def reclaim(self, task_id: str, cause: str = "operator", name: str = "eve") -> None:
        assert await self.post(f"v0:tasks/{task_id}/reclaim", {"cause": cause}, name) is None

    # stages

    async def executing(self, **idea: Any) -> tuple[str, str, str]:
        """A claimed execution task, its idea and its variant."""
        idea_id = await self.idea(**idea)
        task_id = await self.task("execution", idea_id)
        await self.claim(task_id)
        parents = {"parent_commits": idea["parent_commits"]} if "parent_commits" in idea else {}
        return task_id, idea_id, await self.variant(idea_id, **parents)

    async def executed(self, **idea: Any) -> str:
        """A variant whose execution was accepted with the commit sha(1)."""
        task_id, _, variant_id = await self.executing(**idea)
        await self.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
        await self.accept(task_id)
        return variant_id

    async def evaluating(self, variant_id: str) -> str:
        """A claimed evaluation task of the variant."""
        task_id = await self.task("evaluation", variant_id)
        await self.claim(task_id)
        return task_id

    async def evaluated(self, **metrics: Any) -> str:
        """A variant that succeeded with these metrics."""
        variant_id = await self.executed()
        task_id = await self.evaluating(variant_id)
        await self.submit(task_id, variant_id=variant_id, status="success", evaluation=metrics)
        await self.accept(task_id)
        return variant_id

    async def see(self, noun: str, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"v0:{noun}s/{id_}")
        return found
