"""The task store over HTTP, in process: a house, its routes, and a caller for each of its people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette

from control_plane.edge.problems import HANDLERS
from control_plane.task_store.routes import Shelf, routes
from store_client.errors import kinds
from tests.store.task_house import TaskHouse, open_house
from tests.wire.contract import HOOKS

MAX_ARTIFACT_BYTES = 100_000


class Settled(Protocol):
    """An experiment with people in it."""

    @property
    def experiment_id(self) -> str: ...

    @property
    def tokens(self) -> dict[str, str]: ...

    def id_of(self, name: str) -> str: ...


@dataclass(frozen=True)
class WireApp:
    """What a wire test talks to."""

    store: Settled
    http: httpx.AsyncClient

    @property
    def v0(self) -> str:
        return f"/v0/experiments/{self.store.experiment_id}"

    @property
    def api(self) -> str:
        return f"/api/experiments/{self.store.experiment_id}"

    def headers(self, name: str) -> dict[str, str]:
        """What a caller sends with every request."""
        bearer = "admin:admin-token" if name == "admin" else f"{self.store.id_of(name)}:{self.store.tokens[name]}"
        return {"Authorization": f"Bearer {bearer}", "X-Eden-Experiment-Id": self.store.experiment_id}

    async def call(self, name: str, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """A request as somebody; `path` begins with the base it is under: `v0:` or `api:`."""
        base, _, rest = path.partition(":")
        url = f"{self.v0 if base == 'v0' else self.api}/{rest}".rstrip("/")
        given = {} if body is None else {"json": body}
        headers = self.headers(name) | more.pop("headers", {})
        return await self.http.request(method, url, headers=headers, **given, **more)

    async def get(self, path: str, name: str = "ann", **parameters: Any) -> Any:
        """The JSON of a read that succeeds."""
        response = await self.call(name, "GET", path, params=parameters)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        return response.json()

    async def post(self, path: str, body: Any = None, name: str = "ann") -> Any:
        """The JSON of a write that succeeds with 200; None when it has nothing to say."""
        response = await self.call(name, "POST", path, body)
        assert response.status_code == 200, response.text
        return response.json() if response.content else None

    async def refused(self, kind: str, name: str, method: str, path: str, body: Any = None, **more: Any) -> str:
        """The detail of a refusal of this kind, whose problem is whole."""
        response = await self.call(name, method, path, body, **more)
        problem = response.json()
        assert problem["type"] == f"eden://error/{kind}", problem
        assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert response.status_code == problem["status"] == kinds()[problem["type"]].status
        assert problem["title"]
        assert problem["instance"] == response.request.url.path
        return str(problem["detail"])


@dataclass(frozen=True)
class StoreApp(WireApp):
    """The same with the house itself within reach."""

    store: TaskHouse


@asynccontextmanager
async def serving(url: str, folder: Path) -> AsyncIterator[StoreApp]:
    """The task store's routes over a database and a folder for artifacts."""
    with open_house(url) as store:
        store.house.hub.start()
        app = Starlette(
            routes=routes(store.house, Shelf(folder, MAX_ARTIFACT_BYTES)), exception_handlers=dict(HANDLERS)
        )
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://store", event_hooks=HOOKS) as http:
            yield StoreApp(store, http)
