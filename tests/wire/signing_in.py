"""Sessions and short-lived identities, got over the wire as a console gets them."""

from typing import Any

import httpx

from control_plane.registry.operations import sessions
from store_client.wire.workers import SignIn
from tests.registry import KEYS, Registry


def session_of(registry: Registry, operator_id: str | None = None) -> str:
    """The secret of a new session: of the first administrator, or of an operator as if a code of theirs were spent."""
    code = registry.act(sessions.create_code, keys=KEYS).code
    if operator_id is not None:
        registry.change("sign_in_codes", operator_id=operator_id)
    return registry.act(sessions.sign_in, SignIn(code=code), keys=KEYS).session


async def exchanged(client: httpx.AsyncClient, body: dict[str, Any]) -> tuple[str, str]:
    """The short-lived bearer that an exchange gives."""
    answer = await client.post("/api/exchange", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["worker_id"], answer.json()["token"]


async def entered(console: httpx.AsyncClient, session: str, experiment_id: str) -> tuple[str, str]:
    """The bearer of a session's operator in an experiment."""
    return await exchanged(console, {"session": session, "experiment_id": experiment_id})
