"""§2.1 to §2.3 and §2.5: bearers, reserved names, the order of checks, and who is credited."""

import re
from typing import Any

import pytest
from sqlalchemy import event

from control_plane.db import identities
from tests.registry import KEYS, open_registry
from tests.wire.yard import Yard

NOBODY = "wkr_" + "0" * 26


async def status(yard: Yard, bearer: str | None, path: str = "v0:state") -> int:
    """What a bearer gets."""
    headers = yard.headers("ann") | ({} if bearer is None else {"Authorization": bearer})
    if bearer is None:
        del headers["Authorization"]
    base, _, rest = path.partition(":")
    answer = await yard.http.get(f"{yard.v0 if base == 'v0' else base}/{rest}", headers=headers)
    if answer.status_code == 401:
        assert answer.json()["type"] == "eden://error/unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"
    return answer.status_code


async def test_a_bearer_is_a_principal_and_a_secret_split_at_the_first_colon(yard: Yard) -> None:
    bearer = yard.headers("ann")["Authorization"]
    _, _, pair = bearer.partition(" ")
    worker_id, _, secret = pair.partition(":")
    assert [await status(yard, good) for good in (bearer, f"bearer {pair}", f"Bearer  {pair}")] == [200] * 3
    wrong = (
        None, "", "Bearer", f"Basic {pair}", pair, f"Bearer {worker_id}", f"Bearer {worker_id}:",
        f"Bearer :{secret}", f"Bearer {worker_id}:{secret}x", f"Bearer {worker_id}:{secret}:",
        f"Bearer {worker_id}::{secret}",
        f"Bearer {NOBODY}:{secret}", f"Bearer ann:{secret}", "Bearer admin:wrong", f"Bearer admin:{secret}",
        f"Bearer ADMIN:{secret}", "Bearer system:x", f"Bearer {worker_id.upper()}:{secret}",
    )  # fmt: skip
    for bad in wrong:
        assert await status(yard, bad) == 401, bad
    assert await status(yard, f"Bearer {worker_id}:x%00") == 401


async def test_every_call_wants_a_bearer(yard: Yard) -> None:
    for path in ("v0:tasks", "v0:events", "v0:whoami", "/v0/control:workers", "/v0/control:whoami"):
        assert await status(yard, None, path) == 401


async def test_the_same_person_in_two_experiments_is_two_workers(yard: Yard) -> None:
    other = await yard.fresh()
    assert other.store.id_of("ann") != yard.store.id_of("ann")
    crossed = {"Authorization": yard.headers("ann")["Authorization"]}
    for path in ("v0:state", "v0:whoami", "api:"):
        await other.refused("unauthorized", "ann", "GET", path, headers=crossed)
    for path in ("/v0/control/whoami", "/v0/control/workers", "/api/experiments"):
        assert (await yard.http.get(path, headers=crossed)).status_code == 401


async def test_a_deployment_worker_is_a_stranger_in_experiments(yard: Yard) -> None:
    made = (await yard.http.post("/v0/control/workers", json={}, headers=yard.headers("admin"))).json()
    bearer = f"Bearer {made['worker_id']}:{made['registration_token']}"
    assert await status(yard, bearer, "/v0/control:whoami") == 200
    assert await status(yard, bearer) == 401


async def test_tokens_are_long_shown_once_and_replaced_at_once(yard: Yard) -> None:
    worker = await yard.post("v0:workers", {"name": "once"}, "admin")
    path = f"v0:workers/{worker['worker_id']}"
    old = worker["registration_token"]
    assert len(re.sub(r"[^A-Za-z0-9_-]", "", old)) >= 43  # 256 bits in base64
    assert "registration_token" not in await yard.get(path)
    assert old not in str(await yard.get("v0:workers"))
    fresh = await yard.post(f"{path}/reissue-credential", name="admin")
    assert (fresh["worker_id"], fresh["registered_at"]) == (worker["worker_id"], worker["registered_at"])
    assert await status(yard, f"Bearer {worker['worker_id']}:{old}") == 401
    assert await status(yard, f"Bearer {worker['worker_id']}:{fresh['registration_token']}") == 200


def test_an_unknown_worker_and_a_wrong_secret_cost_the_same(database_url: str) -> None:
    with open_registry(database_url) as registry:
        worker_id, secret = registry.worker(registry.experiment())
        asked: dict[str, list[str]] = {}
        for name, bearer in (("unknown", (NOBODY, secret)), ("wrong", (worker_id, secret + "x")), ("void", ("x", "x"))):
            with registry.house.database.reading() as connection:
                said = asked.setdefault(name, [])

                def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any, said: list[str] = said) -> None:
                    said.append(statement)

                event.listen(connection, "before_cursor_execute", note)
                found = identities.identify(connection, KEYS, bearer, registry.house.clock())
                event.remove(connection, "before_cursor_execute", note)
                assert found is None
        asked = {name: [one for one in said if one.startswith("SELECT")] for name, said in asked.items()}
        assert asked["unknown"] == asked["wrong"] == asked["void"]
        assert len(asked["wrong"]) == 1
        assert secret not in registry.everything()  # one look-up by keyed hash: no secret is kept to be compared


async def test_reserved_names_are_per_registry_and_per_kind(yard: Yard) -> None:
    for name in ("admin", "system", "internal"):
        await yard.refused("reserved-identifier", "admin", "POST", "v0:workers", {"name": name})
        assert (await yard.post("v0:groups", {"name": name}, "admin"))["name"] == name
    for name in ("admins", "orchestrators"):
        await yard.refused("reserved-identifier", "admin", "POST", "v0:groups", {"name": name})
        assert (await yard.post("v0:workers", {"name": name}, "admin"))["name"] == name
    for name in ("Admin", "SYSTEM", "Admins", "consoles"):
        path = "v0:groups" if name in {"Admins", "consoles"} else "v0:workers"
        assert (await yard.post(path, {"name": name}, "admin"))["name"] == name
    await yard.refused("invalid-name", "admin", "POST", "v0:workers", {"name": " admin"})


async def test_a_namesake_of_a_reserved_group_opens_no_gate(yard: Yard) -> None:
    ann = yard.store.id_of("ann")
    await yard.post("v0:groups", {"name": "Orchestrators", "members": [ann]}, "admin")
    await yard.refused("forbidden", "ann", "POST", "v0:tasks", yard.task_body())


async def test_a_gate_finds_its_group_by_name_and_tests_membership_through_groups(yard: Yard) -> None:
    app = await yard.fresh()
    (group,) = (await app.call("ann", "GET", "v0:groups", params={"name": "orchestrators"})).json()["groups"]
    inner = await app.post("v0:groups", {"members": [app.store.id_of("ann")]}, "admin")
    await app.refused("forbidden", "ann", "POST", "v0:tasks", app.task_body())
    await app.post(f"v0:groups/{group['group_id']}/members", {"member_id": inner["group_id"]}, "admin")
    await app.post("v0:tasks", app.task_body(), "ann")
    deleted = await app.call("admin", "DELETE", f"v0:groups/{group['group_id']}")
    assert deleted.status_code == 204
    for name in ("ann", "orchestrators"):
        await app.refused("forbidden", name, "POST", "v0:tasks", app.task_body())
    await app.post("v0:tasks", app.task_body(), "admins")
    await app.refused("reserved-identifier", "admin", "POST", "v0:groups", {"name": "orchestrators"})


@pytest.mark.parametrize("bearer", [None, "Bearer admin:wrong"])
async def test_the_credential_is_checked_before_everything(yard: Yard, bearer: str | None) -> None:
    headers = {"X-Eden-Experiment-Id": "exp_wrong"} | ({} if bearer is None else {"Authorization": bearer})
    for path in ("tasks", "workers", "tasks/none/claim", "variants/none/integrate"):
        answer = await yard.http.post(f"{yard.v0}/{path}", content=b"{", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "eden://error/unauthorized")


async def test_refusals_come_in_one_order(yard: Yard) -> None:
    """401, class 403, header 400, group 403, body 400, 404, state 409."""
    wrong = {"X-Eden-Experiment-Id": "exp_" + "0" * 26}
    integrate = "v0:variants/none/integrate"
    await yard.refused("forbidden", "admin", "POST", integrate, {"x": 1}, headers=wrong)
    await yard.refused("experiment-id-mismatch", "ann", "POST", integrate, {"x": 1}, headers=wrong)
    await yard.refused("forbidden", "ann", "POST", integrate, {"x": 1})
    await yard.refused("bad-request", "orchestrators", "POST", integrate, {"x": 1})
    await yard.refused("not-found", "orchestrators", "POST", integrate, {"variant_commit_sha": "c" * 40})
    variant_id = await yard.executed()
    await yard.refused(
        "invalid-precondition", "orchestrators", "POST", f"v0:variants/{variant_id}/integrate",
        {"variant_commit_sha": "c" * 40},
    )  # fmt: skip
    await yard.refused("bad-request", "ann", "GET", "v0:events", params={"cursor": "x"})


async def test_existence_is_checked_before_the_acl_of_an_artifact(yard: Yard) -> None:
    files = {"file": ("a.txt", b"words", "text/plain")}
    uri = (await yard.call("ann", "POST", "v0:artifacts", files=files)).json()["artifacts_uri"]
    await yard.refused("not-found", "eve", "GET", "v0:artifacts", params={"uri": uri + "0"})
    await yard.refused("forbidden", "eve", "GET", "v0:artifacts", params={"uri": uri})
    for name in ("ann", "admin", "admins"):
        assert (await yard.call(name, "GET", "v0:artifacts", params={"uri": uri})).content == b"words"


async def test_everything_is_credited_to_the_verified_principal(yard: Yard) -> None:
    lie, orchestrator = yard.store.id_of("eve"), yard.store.id_of("orchestrators")
    task = await yard.post("v0:tasks", yard.task_body(created_by=lie), "orchestrators")
    idea = await yard.post("v0:ideas", yard.idea_body(created_by=lie), "ann")
    assert (task["created_by"], idea["created_by"]) == (orchestrator, yard.store.id_of("ann"))
    group, worker = await yard.post("v0:groups", name="admin"), await yard.post("v0:workers", name="admin")
    assert (group["created_by"], worker["registered_by"]) == ("admin", "admin")
    variant_id = await yard.executed()
    variant = await yard.see("variant", variant_id)
    assert variant["executed_by"] == yard.store.id_of("bob")
    await yard.told()
    task_id = await yard.task()
    await yard.post(f"v0:tasks/{task_id}/reassign", {"new_target": None, "reason": "r"}, "admins")
    await yard.call("admins", "PATCH", "v0:dispatch_mode", {"integration": "manual"})
    told = dict(await yard.told())
    assert told["task.reassigned"]["reassigned_by"] == yard.store.id_of("admins")
    assert told["experiment.dispatch_mode_changed"]["updated_by"] == yard.store.id_of("admins")
    await yard.call("admins", "PATCH", "v0:dispatch_mode", {"integration": "auto"})
    app = await yard.fresh()
    await app.post("v0:terminate", {"reason": "done"}, "orchestrators")
    assert dict(await app.told())["experiment.terminated"]["terminated_by"] == app.store.id_of("orchestrators")
