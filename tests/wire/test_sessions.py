"""What a session gives ends with it, and a viewer's looks and changes nothing."""

from collections.abc import Iterator

import httpx
import pytest

from control_plane.task_store.operations.git import git_access
from store_client.wire.call import Who
from store_client.wire.calls import CALLS
from tests.registry import ADMIN_TOKEN, KEYS, Registry, open_registry
from tests.wire.signing_in import entered, exchanged, session_of

ADMIN = ("admin", ADMIN_TOKEN)


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        opened.bootstrap()
        yield opened


def viewer(registry: Registry) -> str:
    """An operator who may only look."""
    worker_id, _ = registry.worker("", "vera")
    registry.put("operators", operator_id=worker_id, role="viewer", created_at="2030-01-01T00:00:00.000000Z")
    return worker_id


async def test_the_tokens_of_a_session_die_with_it_and_those_of_another_live_on(registry: Registry) -> None:
    here = registry.experiment()
    one, other = session_of(registry), session_of(registry)
    async with registry.client(registry.service("console")) as console:
        ended, kept = await entered(console, one, here), await entered(console, other, here)
        at_large = await exchanged(console, {"session": one})
        assert (await console.post("/api/sessions/end", json={"session": one})).status_code == 204
    for bearer, path, status in (
        (ended, f"/api/experiments/{here}", 401),
        (at_large, "/api/experiments", 401),
        (kept, f"/api/experiments/{here}", 200),
    ):
        async with registry.client(bearer) as client:
            assert (await client.get(path)).status_code == status


async def test_a_viewer_reads_and_is_refused_every_write(registry: Registry) -> None:
    here = registry.experiment()
    session = session_of(registry, viewer(registry))
    async with registry.client(registry.service("console")) as console:
        inside, outside = await entered(console, session, here), await exchanged(console, {"session": session})
    async with registry.client(inside, here) as client:
        for path in ("/v0/experiments/{}", "/v0/experiments/{}/workers", "/api/experiments/{}"):
            assert (await client.get(path.format(here))).status_code == 200
    async with registry.client(outside) as client:
        assert (await client.get("/api/experiments")).status_code == 200
        for call in CALLS:
            is_of_workers = call.who.admits_workers and call.who is not Who.PERSON  # one's account is one's own
            if not call.is_read and call.path.startswith("/api/") and not call.is_scoped and is_of_workers:
                await is_refused(client, call.method, call.path)


async def is_refused(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    if answer.status_code != 404 or "there is no " not in answer.json()["detail"]:
        assert answer.json()["type"] == "eden://error/forbidden", (path, answer.text)


async def test_a_viewers_identity_pushes_nothing_and_a_reissued_token_of_it_neither(registry: Registry) -> None:
    here = registry.experiment()
    session = session_of(registry, viewer(registry))
    async with registry.client(registry.service("console")) as console, registry.client(ADMIN, here) as admin:
        worker_id, token = await entered(console, session, here)
        path = f"/v0/experiments/{here}/workers/{worker_id}/reissue-credential"
        with registry.house.database.reading() as connection:
            access = git_access(connection, KEYS, worker_id, token, registry.house.clock())
        assert access is not None
        assert access.push_prefix is None
        fresh = (await admin.post(path)).json()["registration_token"]
    async with registry.client((worker_id, fresh), here) as client:
        assert (await client.get(f"/v0/experiments/{here}/whoami")).status_code == 200
        refused = await client.post(f"/api/experiments/{here}/pause")
        assert (refused.status_code, "viewer" in refused.json()["detail"]) == (403, True)
