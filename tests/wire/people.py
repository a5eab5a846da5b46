"""A deployment with people in it, seen from the console's side of the wire."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.registry import ADMIN_TOKEN, Registry
from tests.wire.signing_in import exchanged

ADMIN = ("admin", ADMIN_TOKEN)
PASSWORD = "correct horse battery"


@dataclass
class People:
    """The console's client and the administrator's."""

    registry: Registry
    console: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def invited(self, name: str, role: str = "operator", **more: Any) -> dict[str, Any]:
        """A link for somebody new."""
        body = {"name": name, "sign_in_name": name.lower(), "role": role, **more}
        answer = await self.admin.post("/api/invitations", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def accepted(self, code: str, password: str = PASSWORD) -> httpx.Response:
        return await self.console.post("/api/invitations/accept", json={"code": code, "password": password})

    async def joined(self, name: str, role: str = "operator", **more: Any) -> dict[str, Any]:
        """The session of somebody who was invited and chose a password."""
        answer = await self.accepted((await self.invited(name, role, **more))["code"])
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session

    async def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        body = {"sign_in_name": name, "password": password, **more}
        return await self.console.post("/api/sessions/password", json=body)

    async def as_person(self, session: str) -> httpx.AsyncClient:
        """A client with the session's identity in the deployment."""
        return self.registry.client(await exchanged(self.console, {"session": session}))

    async def inside(self, session: str, experiment_id: str) -> httpx.AsyncClient:
        """A client with the session's identity in an experiment."""
        bearer = await exchanged(self.console, {"session": session, "experiment_id": experiment_id})
        return self.registry.client(bearer, experiment_id)

    async def roles(self, session: str, *experiment_ids: str) -> list[str | int]:
        """What a session's person is in some experiments; the status where nobody."""
        found: list[str | int] = []
        for experiment_id in experiment_ids:
            body = {"session": session, "experiment_id": experiment_id}
            answer = await self.console.post("/api/exchange", json=body)
            found.append(answer.json()["role"] if answer.status_code == 200 else answer.status_code)
        return found
