"""The registry over HTTP: who may, in which order refusals come, and what the answers look like."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.registry.operations.bootstrap import issue_service_token
from control_plane.registry.seen import Seen
from store_client.wire.calls import experiments as e
from store_client.wire.calls import workers as w
from store_client.wire.experiments import ExperimentDetail, ExperimentSummary
from tests.registry import ADMIN_TOKEN, COMMIT, CONFIG, KEYS, Registry, open_registry

ADMIN = ("admin", ADMIN_TOKEN)
NOBODY = "wkr_" + "0" * 26


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        opened.bootstrap()
        yield opened


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and problem type of a refusal; its body must be problem+json."""
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    body = answer.json()
    assert (body["status"], body["instance"]) == (answer.status_code, answer.request.url.path)
    assert body["title"]
    return answer.status_code, body["type"].removeprefix("eden://error/")


async def enter(registry: Registry, experiment_id: str) -> tuple[str, str]:
    """The administrator's bearer in an experiment, by code, session and exchange."""
    async with registry.client(ADMIN) as admin, registry.client(registry.service("console")) as console:
        code = (await admin.post("/api/sign-in-codes")).json()["code"]
        session = (await console.post("/api/sessions", json={"code": code})).json()["session"]
        asked = {"session": session, "experiment_id": experiment_id}
        traded = (await console.post("/api/exchange", json=asked)).json()
    return traded["worker_id"], traded["token"]


async def test_every_call_of_the_registry_has_a_route_and_a_gate(registry: Registry) -> None:
    experiment_id = registry.experiment()
    async with registry.client(experiment_id=experiment_id) as nobody:
        for call in {*e.CALLS, *w.CALLS} - {w.READ_WORKER_PACES}:  # the store of tasks tells that
            path = call.path.format(experiment_id=experiment_id, worker_id="w", group_id="g", member_id="m")
            assert refusal(await nobody.request(call.method, path)) == (401, "unauthorized"), call.name


async def test_a_bad_bearer_is_unauthorized(registry: Registry) -> None:
    bearers = ("Bearer", "Bearer admin", "Bearer admin:", "Bearer admin:wrong", "Basic admin:x", f"Bearer {NOBODY}:x")
    async with registry.client() as client:
        for header in ("", "x" * 99, *bearers):
            answer = await client.get("/api/experiments", headers={"Authorization": header})
            assert refusal(answer) == (401, "unauthorized"), header
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_refusals_come_in_the_protocols_order(registry: Registry) -> None:
    here = registry.experiment("Here")
    worker = registry.worker(here)
    path = f"/v0/experiments/{here}"
    async with registry.client(worker) as headless, registry.client(worker, here) as client:
        assert refusal(await headless.post(f"{path}/workers", content="{")) == (403, "forbidden")
        assert refusal(await headless.patch(f"{path}/dispatch_mode", json={})) == (400, "experiment-id-mismatch")
        assert refusal(await client.patch(f"{path}/dispatch_mode", content="{")) == (403, "forbidden")
        assert refusal(await client.get(f"{path}/workers/{NOBODY}")) == (404, "not-found")
    async with registry.client(ADMIN, here) as admin:
        assert refusal(await admin.get(f"{path}/whoami")) == (403, "forbidden")
        assert refusal(await admin.post(f"{path}/terminate", json={"reason": ""})) == (403, "forbidden")
        assert refusal(await admin.post(f"{path}/groups", content="{")) == (400, "bad-request")
        assert refusal(await admin.get("/v0/experiments/exp_x")) == (400, "experiment-id-mismatch")
    unknown = "exp_" + "0" * 26
    async with registry.client(ADMIN, unknown) as admin:
        assert refusal(await admin.get(f"/v0/experiments/{unknown}")) == (404, "not-found")
        assert refusal(await admin.post(f"/v0/experiments/{unknown}/workers", json={})) == (404, "not-found")


async def test_the_reserved_groups_of_a_hosted_experiment_are_registered_once(registry: Registry) -> None:
    experiment_id = registry.house.mint("exp")
    registry.host(experiment_id)
    groups = f"/v0/experiments/{experiment_id}/groups"
    async with registry.client(ADMIN, experiment_id) as admin:
        assert (await admin.get(groups)).json() == {"groups": []}
        worker_id = (await admin.post(f"/v0/experiments/{experiment_id}/workers")).json()["worker_id"]
        for name in ("admins", "orchestrators"):
            made = await admin.post(groups, json={"name": name, "members": [worker_id]})
            assert made.status_code == 200
            assert refusal(await admin.post(groups, json={"name": name})) == (409, "reserved-identifier")
            assert (await admin.get(groups, params={"name": name})).json() == {"groups": [made.json()]}


async def test_a_day_in_the_registry_of_an_experiment(registry: Registry) -> None:
    experiment_id = registry.experiment()
    path = f"/v0/experiments/{experiment_id}"
    async with registry.client(ADMIN, experiment_id) as admin:
        made = (await admin.post(f"{path}/workers", json={"name": "ada", "labels": {"gpu": "yes"}})).json()
        token = made.pop("registration_token")
        assert made.keys() == {"worker_id", "name", "experiment_id", "registered_at", "registered_by", "labels"}
        assert (await admin.get(f"{path}/workers/{made['worker_id']}")).json() == made
        crew = (await admin.post(f"{path}/groups", json={"name": "crew"})).json()
        assert crew["members"] == []
        added = await admin.post(f"{path}/groups/{crew['group_id']}/members", json={"member_id": made["worker_id"]})
        assert (added.status_code, added.json()["members"]) == (200, [made["worker_id"]])
        again = await admin.post(f"{path}/groups/{crew['group_id']}/members", json={"member_id": crew["group_id"]})
        assert refusal(again) == (409, "cycle-detected")
        gone = await admin.delete(f"{path}/groups/{crew['group_id']}/members/{made['worker_id']}")
        assert (gone.status_code, gone.json()["members"]) == (200, [])
        assert (await admin.delete(f"{path}/groups/{crew['group_id']}")).status_code == 204
        assert refusal(await admin.delete(f"{path}/groups/{crew['group_id']}")) == (404, "not-found")
    async with registry.client((made["worker_id"], token), experiment_id) as ada:
        assert (await ada.get(f"{path}/whoami")).json() == {"worker_id": made["worker_id"], "name": "ada"}


async def test_reissuing_kills_the_old_token_at_once(registry: Registry) -> None:
    experiment_id = registry.experiment()
    worker_id, token = registry.worker(experiment_id)
    path = f"/v0/experiments/{experiment_id}"
    async with registry.client(ADMIN, experiment_id) as admin:
        fresh = (await admin.post(f"{path}/workers/{worker_id}/reissue-credential")).json()["registration_token"]
    async with registry.client((worker_id, token), experiment_id) as old:
        assert refusal(await old.get(f"{path}/whoami")) == (401, "unauthorized")
    async with registry.client((worker_id, fresh), experiment_id) as new:
        assert (await new.get(f"{path}/whoami")).status_code == 200


async def test_no_experiment_accepts_the_token_of_another(registry: Registry) -> None:
    here, there = registry.experiment("Here"), registry.experiment("There")
    ours, theirs, hosts = registry.worker(here), registry.worker(there), registry.service("auto_ideator")
    for bearer in (theirs, hosts):
        async with registry.client(bearer, here) as client:
            for path in (f"/v0/experiments/{here}", f"/api/experiments/{here}"):
                assert refusal(await client.get(path)) == (401, "unauthorized")
    async with registry.client(ours) as client:
        for path in ("/api/experiments", "/v0/control/whoami"):
            assert refusal(await client.get(path)) == (401, "unauthorized")


@pytest.mark.parametrize("prefix", ["/v0/control", "/v0/experiments/{}", "/api/experiments/{}"])
async def test_bad_registrations_are_refused_alike_everywhere(prefix: str, registry: Registry) -> None:
    experiment_id = registry.experiment()
    path = prefix.format(experiment_id)
    expected: list[tuple[str, Any, tuple[int, str]]] = [
        ("workers", {"name": ""}, (422, "invalid-name")),
        ("workers", {"name": " ada"}, (422, "invalid-name")),
        ("workers", {"name": "system"}, (409, "reserved-identifier")),
        ("workers", {"name": 7}, (400, "bad-request")),
        ("workers", {"name": None}, (400, "bad-request")),
        ("workers", {"worker_id": NOBODY}, (400, "bad-request")),
        ("workers", {"labels": {"a": 1}}, (400, "bad-request")),
        ("workers", [], (400, "bad-request")),
        ("groups", {"name": "x" * 129}, (422, "invalid-name")),
        ("groups", {"name": "admins"}, (409, "reserved-identifier")),
        ("groups", {"members": ["ada"]}, (400, "bad-request")),
        ("groups", {"members": [NOBODY + "\n"]}, (400, "bad-request")),
    ]
    async with registry.client(ADMIN, experiment_id) as admin:
        for noun, body, outcome in expected:
            assert refusal(await admin.post(f"{path}/{noun}", json=body)) == outcome, body
        for odd in ("nobody", "wkr_%00", "%2e%2e", "wkr_" + "0" * 27):
            answer = await admin.get(f"{path}/workers/{odd}")
            assert refusal(answer)[0] == 404, odd
        assert (await admin.get(f"{path}/groups", params={"name": "a\x00b"})).status_code == 400


async def test_the_deployments_identities_name_no_experiment(registry: Registry) -> None:
    async with registry.client(ADMIN) as admin:
        made = (await admin.post("/v0/control/workers", json={"name": "host"})).json()
        assert "experiment_id" not in made
        group = (await admin.post("/v0/control/groups", json={"members": [made["worker_id"]]})).json()
        assert "experiment_id" not in group
    async with registry.client((made["worker_id"], made["registration_token"])) as host:
        assert (await host.get("/v0/control/whoami")).json() == {"worker_id": made["worker_id"], "name": "host"}
        assert refusal(await host.get("/v0/control/workers")) == (403, "forbidden")


async def test_experiments_are_made_from_a_directory(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(json.dumps({**CONFIG, "name": "Seeded", "execution_command": "make"}))
    async with registry.client(ADMIN) as admin:
        answer = await admin.post("/api/experiments", json={"directory": str(tmp_path)})
        assert answer.status_code == 201
        detail = ExperimentDetail.model_validate(answer.json())
        assert (detail.name, detail.slug, detail.base_commit_sha) == ("Seeded", "seeded", COMMIT)
        assert registry.seeds.made[detail.experiment_id][0] == tmp_path
        listed = (await admin.get("/api/experiments")).json()
        assert [ExperimentSummary.model_validate(each).slug for each in listed] == ["seeded"]
        assert listed[0]["best"] is None
        taken = await admin.post("/api/experiments", json={"directory": str(tmp_path), "slug": "seeded"})
        assert refusal(taken) == (409, "already-exists")
    assert list(registry.seeds.made) == [detail.experiment_id]


async def test_an_experiment_that_cannot_be_is_explained(registry: Registry, tmp_path: Path) -> None:
    asked: list[tuple[dict[str, Any], str]] = [
        ({}, "needs a directory, a config, or both"),
        ({"directory": "relative"}, "give its absolute path"),
        ({"directory": "/nowhere\u0001"}, "is no directory"),
        ({"directory": "/" + "x" * 5000}, "'/xxx"),
        ({"directory": str(tmp_path)}, "neither .eden/config.yaml nor experiment.yaml"),
        ({"config": {**CONFIG, "parallel_variants": 0}}, "parallel_variants"),
        ({"config": {**CONFIG, "objective": {"expr": "speed", "direction": "maximize"}}}, "objective.expr names speed"),
        ({"config": CONFIG, "automation": {"executor": "automatic"}}, "no execution_command"),
        ({"config": CONFIG, "owner": "me"}, "owner"),
    ]
    async with registry.client(ADMIN) as admin:
        for body, detail in asked:
            answer = await admin.post("/api/experiments", json=body)
            assert refusal(answer) == (400, "bad-request"), body
            assert detail in answer.json()["detail"]
        named = await admin.post("/api/experiments", json={"config": CONFIG, "name": " x"})
        assert refusal(named) == (422, "invalid-name")
        assert (await admin.get("/api/experiments")).json() == []
    assert registry.seeds.made == {}


async def test_only_administrators_of_the_deployment_make_experiments(registry: Registry) -> None:
    administrator = registry.bootstrap().administrator
    token = registry.act(issue_service_token, administrator, keys=KEYS)
    async with registry.client(registry.service("auto_ideator")) as runner:
        assert refusal(await runner.post("/api/experiments", json={"config": CONFIG})) == (403, "forbidden")
    async with registry.client((administrator, token)) as admin:
        assert (await admin.post("/api/experiments", json={"config": CONFIG})).status_code == 201


async def test_a_signed_in_administrator_runs_the_experiment(registry: Registry) -> None:
    experiment_id = registry.experiment(execution_command="make")
    bearer = await enter(registry, experiment_id)
    api, wire = f"/api/experiments/{experiment_id}", f"/v0/experiments/{experiment_id}"
    async with registry.client(bearer, experiment_id) as client:
        assert (await client.patch(f"{api}/automation", json={"executor": "manual"})).json()["executor"] == "manual"
        assert (await client.post(f"{api}/workers", json={"name": "ada"})).status_code == 200
        assert (await client.post(f"{api}/pause")).json()["status"] == "paused"
        assert (await client.get(f"{wire}/state")).json() == {"state": "running"}
        assert (await client.post(f"{api}/resume")).json()["status"] == "running"
        mode = (await client.patch(f"{wire}/dispatch_mode", json={"termination": "auto"})).json()
        assert mode["termination"] == "auto"
        assert (await client.get(f"{wire}/dispatch_mode")).json() == mode
        assert refusal(await client.patch(f"{wire}/dispatch_mode", json={"termination": "x"})) == (400, "bad-request")
        assert refusal(await client.post(f"{wire}/policy-errors", json={})) == (403, "forbidden")
        ended = await client.post(f"{wire}/terminate", json={"reason": ""})
        assert (ended.json()["state"], ended.json()["imported_from"]) == ("terminated", None)
        assert (await client.post(f"{wire}/terminate", json={"reason": "again"})).json() == ended.json()
        assert refusal(await client.post(f"{api}/pause")) == (409, "illegal-transition")
        names = {worker["name"]: worker for worker in (await client.get(f"{api}/worker-details")).json()["workers"]}
        assert names["Administrator"]["groups"] == ["admins"]


async def test_an_orchestrator_reports_policy_errors(registry: Registry) -> None:
    experiment_id = registry.experiment()
    async with registry.client(registry.service("orchestrator")) as host:
        traded = (await host.post("/api/exchange", json={"experiment_id": experiment_id})).json()
    body = {"policy_kind": "termination", "error_type": "KeyError", "error_message": ""}
    errors = f"/v0/experiments/{experiment_id}/policy-errors"
    async with registry.client((traded["worker_id"], traded["token"]), experiment_id) as orchestrator:
        reported = await orchestrator.post(errors, json=body)
        assert (reported.status_code, reported.content) == (204, b"")
        for bad in ({**body, "policy_kind": ""}, {**body, "more": 1}, {"policy_kind": "termination"}):
            assert refusal(await orchestrator.post(errors, json=bad)) == (400, "bad-request")
    assert registry.told(experiment_id)[-1] == ("experiment.policy_error", body)


async def test_sessions_are_for_consoles(registry: Registry) -> None:
    async with registry.client(registry.service("console")) as console:
        assert refusal(await console.post("/api/sign-in-codes")) == (403, "forbidden")
        assert refusal(await console.post("/api/sessions", json={"code": "wrong"})) == (401, "unauthorized")
        assert refusal(await console.post("/api/exchange", json={"session": "wrong"})) == (401, "unauthorized")
        assert (await console.post("/api/sessions/end", json={"session": "wrong"})).status_code == 204
    async with registry.client(registry.service("auto_ideator")) as runner:
        assert refusal(await runner.post("/api/sessions", json={"code": "x"})) == (403, "forbidden")
        assert refusal(await runner.post("/api/exchange", json={"session": "x"})) == (403, "forbidden")
    async with registry.client(ADMIN) as admin:
        assert refusal(await admin.post("/api/exchange", json={})) == (403, "forbidden")


async def test_a_short_lived_token_cannot_prolong_itself(registry: Registry) -> None:
    async with registry.client(registry.service("auto_ideator")) as runner:
        traded = (await runner.post("/api/exchange", json={})).json()
    async with registry.client((traded["worker_id"], traded["token"])) as client:
        assert (await client.get("/v0/control/whoami")).status_code == 200
        assert refusal(await client.post("/api/exchange", json={})) == (403, "forbidden")


async def test_a_request_is_noticed(registry: Registry) -> None:
    registry.house.seen = Seen(registry.house.writer).note
    experiment_id = registry.experiment()
    async with registry.client(registry.worker(experiment_id), experiment_id) as worker:
        await worker.get(f"/v0/experiments/{experiment_id}/whoami")
        registry.act(lambda _tx: None)  # the writer keeps order: the notice has landed when this has
        (detail,) = (await worker.get(f"/api/experiments/{experiment_id}/worker-details")).json()["workers"]
    assert detail["last_seen_at"] >= detail["registered_at"]
