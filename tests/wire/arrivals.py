"""People who come from an OpenID Connect provider, and what it and the control plane say to that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from control_plane.registry.provider import Provider
from control_plane.registry.rules.relying import Client, Welcome
from tests.fakes.provider import CLIENT_ID, SECRET, FakeProvider
from tests.registry import open_registry
from tests.wire.people import ADMIN, People

CONSOLE = "https://console.example"


@dataclass
class Arrivals:
    """A deployment whose people come from a provider."""

    people: People
    fake: FakeProvider
    provider: Provider

    async def set_out(self) -> dict[str, Any]:
        answer = await self.people.console.post("/api/sessions/provider/begin")
        assert answer.status_code == 200, answer.text
        departure: dict[str, Any] = answer.json()
        return departure

    async def brought(self, sub: str = "ada", **claims: Any) -> dict[str, str]:
        """What somebody's console sends who was at the provider."""
        departure = await self.set_out()
        return {**self.fake.agree(departure["url"], sub, **claims), "ticket": departure["ticket"]}

    async def sign_in(self, sub: str = "ada", /, invitation: str | None = None, **claims: Any) -> httpx.Response:
        more = {} if invitation is None else {"invitation": invitation}
        return await self.send({**await self.brought(sub, **claims), **more})

    async def send(self, body: dict[str, str]) -> httpx.Response:
        return await self.people.console.post("/api/sessions/provider", json=body)

    async def joined(self, name: str = "Ada", sub: str = "ada") -> dict[str, Any]:
        answer = await self.sign_in(sub, invitation=(await self.people.invited(name))["code"])
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session


@asynccontextmanager
async def deployment(url: str, fake: FakeProvider, welcome: Welcome) -> AsyncIterator[Arrivals]:
    provider = Provider(Client(fake.issuer, CLIENT_ID, SECRET, CONSOLE + "/", welcome))
    with open_registry(url) as registry:
        registry.provider = provider
        registry.bootstrap()
        async with registry.client(registry.service("console")) as console, registry.client(ADMIN) as admin:
            yield Arrivals(People(registry, console, admin), fake, provider)
    provider.close()
