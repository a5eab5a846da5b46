"""A queue whose attempts run on other machines and speak over HTTP, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from control_plane.edge.problems import HANDLERS
from control_plane.scheduler.keeping import Keeping
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.remote import ticket
from control_plane.scheduler.remote_routes import Remote, routes
from control_plane.scheduler.spool import Spool
from store_client.wire.attempts import AttemptNews
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.implementation import IMPLEMENTATION, SPEC_VERSION
from tests.scheduler.queue_house import Queue

SECRET, OTHER = "a-secret-that-the-node-made-by-itself", "a-secret-that-somebody-else-has-made"
MOST_BYTES = 1024 * 1024
"""Of checkpoints."""


async def discover(_request: Request) -> Response:
    return JSONResponse({"implementation": IMPLEMENTATION, "spec_version": SPEC_VERSION})


@dataclass
class Node(Queue):
    """A queue whose attempts speak over HTTP."""

    folder: Path = Path()

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder)
        self.arrived: list[tuple[str, int]] = []
        remote = Remote(self.spool, self.arrived.append, Keeping(checkpoint_bytes=MOST_BYTES))
        self.app = Starlette(
            routes=[*routes(self.store.house, remote), Route(DISCOVER.path, discover)],
            exception_handlers=dict(HANDLERS),
        )

    def placed(self, **wish: Any) -> str:
        job_id = self.submit(**wish)
        self.place(job_id)
        return job_id

    def lose(self, job_id: str) -> None:
        """The first attempt is given up, and the second has its slots."""
        self.finish_and_place(job_id, 1)

    def finish_and_place(self, job_id: str, attempt: int) -> None:
        self.finish(job_id, attempt, Ending("node_lost"))
        self.place(job_id)

    def ticket(self, job_id: str, attempt: int = 1) -> str:
        return ticket(self.store.house.keys, job_id, attempt)

    @asynccontextmanager
    async def client(self, bearer: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            yield client

    async def begin(self, job_id: str, attempt: int = 1, secret: str = SECRET, **changes: str) -> httpx.Response:
        body = {"ticket": self.ticket(job_id, attempt), "secret": secret, **changes}
        async with self.client() as client:
            return await client.post(f"/api/attempts/{job_id}/{attempt}/begin", json=body)

    async def say(self, job_id: str, act: str, body: dict[str, Any], bearer: str | None = None) -> httpx.Response:
        async with self.client(bearer or f"{job_id}/1:{SECRET}") as client:
            return await client.post(f"/api/attempts/{job_id}/1/{act}", json=body)

    async def news(self, job_id: str, of: str, data: bytes, offset: int = 0) -> httpx.Response:
        return await self.say(job_id, "news", AttemptNews(of=of, data=data, offset=offset).to_wire())
