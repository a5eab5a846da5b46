"""The control plane's registry and leases over HTTP, with the deployment's workers who use them."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from store_client.errors import kinds
from tests.wire.live import ADMIN_TOKEN

C = "/v0/control"
CONFIG_URI = "https://example.org/config.yaml"


@dataclass
class ControlDesk:
    """Calls below `/v0/control`, as the admin or as a worker of the deployment."""

    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        secret = ADMIN_TOKEN if who == "admin" else self.tokens[who]
        headers = {"Authorization": f"Bearer {who}:{secret}"} | more.pop("headers", {})
        given = {} if body is None else {"json": body}
        return await self.http.request(method, C + path, headers=headers, **given, **more)

    async def ask(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of a call that succeeds; None when it has nothing to say."""
        response = await self.call(who, method, path, body, **more)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def refused(self, kind: str, who: str, method: str, path: str, body: Any = None, **more: Any) -> str:
        """The detail of a refusal of this kind."""
        response = await self.call(who, method, path, body, **more)
        problem = response.json()
        assert problem["type"] == f"eden://error/{kind}", problem
        assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert response.status_code == problem["status"] == kinds()[problem["type"]].status
        return str(problem["detail"])

    async def worker(self, *groups: str) -> str:
        """A new worker of the deployment in these groups."""
        made = await self.ask("admin", "POST", "/workers", {"name": "somebody"})
        self.tokens[made["worker_id"]] = made["registration_token"]
        for name in groups:
            (group,) = (await self.ask("admin", "GET", "/groups", params={"name": name}))["groups"]
            path = f"/groups/{group['group_id']}/members"
            await self.ask("admin", "POST", path, {"member_id": made["worker_id"]})
        return str(made["worker_id"])

    async def orchestrator(self) -> str:
        return await self.worker("orchestrators")

    async def entry(self, **body: Any) -> str:
        """A new registered experiment; its id."""
        made = await self.ask("admin", "POST", "/experiments", {"config_uri": CONFIG_URI} | body)
        return str(made["experiment_id"])

    async def acquire(self, holder: str, experiment_id: str, instance: str = "i") -> dict[str, Any]:
        body = {"holder": holder, "holder_instance": instance}
        lease: dict[str, Any] = await self.ask(holder, "POST", f"/experiments/{experiment_id}/leases", body)
        return lease
