"""Disabling a worker: whatever it could prove itself with is refused at once, and nobody locks out the house itself."""

from collections.abc import Iterator

import httpx
import pytest

from tests.registry import ADMIN_TOKEN, Registry, open_registry
from tests.wire.signing_in import entered, exchanged, session_of
from tests.wire.store_app import WireApp
from tests.wire.yard import Yard

ADMIN = ("admin", ADMIN_TOKEN)
NOBODY = "wkr_" + "0" * 26


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        opened.bootstrap()
        yield opened


async def git_status(app: WireApp, name: str) -> int:
    """What git answers a worker: 401 for a stranger, 404 because this experiment has no repository."""
    password = httpx.BasicAuth(app.store.id_of(name), app.store.tokens[name])
    path = f"/git/{app.store.experiment_id}.git/info/refs?service=git-upload-pack"
    return (await app.http.get(path, auth=password)).status_code


async def test_every_credential_of_a_disabled_worker_is_unauthorized_at_once(yard: Yard) -> None:
    app = await yard.fresh()
    bob = app.store.id_of("bob")
    assert await git_status(app, "bob") == 404
    switched = await app.post(f"api:workers/{bob}/disable", name="admins")
    assert (switched["worker_id"], switched["is_service"]) == (bob, False)
    await app.refused("unauthorized", "bob", "GET", "v0:whoami")
    await app.refused("unauthorized", "bob", "POST", "v0:tasks/t/claim", {})
    assert await git_status(app, "bob") == 401
    again = await app.post(f"api:workers/{bob}/disable", name="admin")
    assert again["disabled_at"] == switched["disabled_at"]
    assert (await app.get("v0:whoami", "ann"))["worker_id"] == app.store.id_of("ann")


async def test_an_enabled_worker_is_taken_again_with_its_token_and_what_was_seen_of_it(yard: Yard) -> None:
    app = await yard.fresh()
    bob = app.store.id_of("bob")
    await app.post(f"api:workers/{bob}/disable", name="admins")
    await app.refused("unauthorized", "bob", "GET", "v0:whoami")
    enabled = await app.post(f"api:workers/{bob}/enable", name="admins")
    assert "disabled_at" not in enabled
    assert (await app.get("v0:whoami", "bob"))["worker_id"] == bob
    assert await app.post(f"api:workers/{bob}/enable", name="admin") | {"last_seen_at": ""} == enabled | {
        "last_seen_at": ""
    }
    log = (await app.get("api:events", after=0))["events"]
    told = [(one["type"], one["data"]) for one in log if one["type"] in {"worker.disabled", "worker.enabled"}]
    data = {"worker_id": bob, "by": app.store.id_of("admins")}
    assert told == [("worker.disabled", data), ("worker.enabled", data)]


async def test_only_admins_switch_workers_and_nobody_themselves(yard: Yard) -> None:
    app = await yard.fresh()
    for act in ("disable", "enable"):
        for name in ("ann", "orchestrators"):
            await app.refused("forbidden", name, "POST", f"api:workers/{app.store.id_of('bob')}/{act}")
        await app.refused("not-found", "admins", "POST", f"api:workers/{NOBODY}/{act}")
    own = f"api:workers/{app.store.id_of('admins')}/disable"
    assert "ask another admin" in await app.refused("invalid-precondition", "admins", "POST", own)


async def test_what_was_seen_of_a_disabled_worker_stays(registry: Registry) -> None:
    experiment_id = registry.experiment()
    worker_id, _ = registry.worker(experiment_id)
    seen = "2030-01-01T00:00:00.000000Z"
    registry.change("workers", last_seen_at=seen)
    async with registry.client(ADMIN) as admin:
        path = f"/api/experiments/{experiment_id}"
        await admin.post(f"{path}/workers/{worker_id}/disable")
        (detail,) = (await admin.get(f"{path}/worker-details")).json()["workers"]
    assert detail["last_seen_at"] == seen
    assert detail["disabled_at"]


async def test_a_disabled_worker_of_the_deployment_loses_its_identities_everywhere(registry: Registry) -> None:
    here, host = registry.experiment(), registry.worker("", "host")
    async with registry.client(ADMIN) as admin, registry.client(host) as client:
        (runners,) = (await admin.get("/v0/control/groups", params={"name": "runners"})).json()["groups"]
        await admin.post(f"/v0/control/groups/{runners['group_id']}/members", json={"member_id": host[0]})
        identity = await exchanged(client, {"experiment_id": here})
        own = await exchanged(client, {})
        async with registry.client(identity, here) as inside:
            assert (await inside.get(f"/v0/experiments/{here}/whoami")).status_code == 200
            switched = (await admin.post(f"/api/workers/{host[0]}/disable")).json()
            assert switched["groups"] == ["runners"]
            assert (await inside.get(f"/v0/experiments/{here}/whoami")).status_code == 401
        assert (await client.post("/api/exchange", json={"experiment_id": here})).status_code == 401
        await admin.post(f"/api/workers/{host[0]}/enable")
        assert (await client.get("/v0/control/whoami")).status_code == 200
        for stale in (identity, own):
            async with registry.client(stale, here) as void:
                assert (await void.get("/v0/control/whoami")).status_code == 401
        assert (await exchanged(client, {"experiment_id": here}))[0] == identity[0]


async def test_an_identity_disabled_in_one_experiment_is_refused_there_alone(registry: Registry) -> None:
    here, there = registry.experiment("Here"), registry.experiment("There")
    async with registry.client(ADMIN) as admin, registry.client(registry.service("console")) as console:
        session = session_of(registry)
        worker_id, _ = await entered(console, session, here)
        assert (await admin.post(f"/api/experiments/{here}/workers/{worker_id}/disable")).status_code == 200
        refused = await console.post("/api/exchange", json={"session": session, "experiment_id": here})
        assert (refused.status_code, "admins can enable it" in refused.json()["detail"]) == (403, True)
        assert await entered(console, session, there)


async def test_the_deployments_own_services_cannot_be_disabled(registry: Registry) -> None:
    here = registry.experiment()
    worker_id, token = registry.service("auto_executor")
    async with registry.client(ADMIN) as admin, registry.client((worker_id, token)) as runner:
        identity, _ = await exchanged(runner, {"experiment_id": here})
        for path in (f"/api/workers/{worker_id}", f"/api/experiments/{here}/workers/{identity}"):
            refused = await admin.post(f"{path}/disable")
            assert (refused.status_code, refused.json()["type"]) == (409, "eden://error/invalid-precondition")
            assert "auto-executor is one of the deployment's own services" in refused.json()["detail"]
        listed = (await admin.get("/api/worker-details")).json()["workers"]
        assert {one["name"] for one in listed if one["is_service"]} >= {"console", "orchestrator", "auto-executor"}
        (shown,) = (await admin.get(f"/api/experiments/{here}/worker-details")).json()["workers"]
        assert shown["is_service"]


async def test_the_last_administrator_cannot_be_locked_out(registry: Registry) -> None:
    administrator = registry.bootstrap().administrator
    async with registry.client(ADMIN) as admin:
        refused = await admin.post(f"/api/workers/{administrator}/disable")
        assert (refused.status_code, "only administrator" in refused.json()["detail"]) == (409, True)
        second, _ = registry.worker("", "grace")
        registry.put("operators", operator_id=second, role="administrator", created_at="2030-01-01T00:00:00.000000Z")
        session = session_of(registry)
        assert (await admin.post(f"/api/workers/{administrator}/disable")).status_code == 200
    async with registry.client(registry.service("console")) as console:
        assert (await console.post("/api/exchange", json={"session": session})).status_code == 401
