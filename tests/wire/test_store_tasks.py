"""Tasks, ideas and variants over HTTP: the shapes of answers, the gates, and every refusal (protocol §16, §17)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from store_client.wire.calls import ideas, tasks, variants
from tests.store.task_house import AT, BASE, URI, sha, ulid
from tests.wire.store_app import StoreApp, serving


@pytest.fixture
async def app(database_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(database_url, tmp_path / "artifacts") as served:
        yield served


@pytest.fixture
async def sqlite_app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(sqlite_url, tmp_path / "artifacts") as served:
        yield served


def ideation(app: StoreApp, task_id: str, /, **changes: Any) -> dict[str, Any]:
    payload = {"experiment_id": app.store.experiment_id}
    task = {"task_id": task_id, "kind": "ideation", "state": "pending", "payload": payload}
    return task | {"created_at": AT, "updated_at": AT} | changes


def idea(app: StoreApp, idea_id: str) -> dict[str, Any]:
    return {
        "idea_id": idea_id, "experiment_id": app.store.experiment_id, "slug": "warmer", "priority": 2,
        "parent_commits": [BASE], "artifacts_uri": URI, "state": "drafting", "created_at": AT,
    }  # fmt: skip


def variant(app: StoreApp, variant_id: str, idea_id: str) -> dict[str, Any]:
    return {
        "variant_id": variant_id, "experiment_id": app.store.experiment_id, "idea_id": idea_id, "status": "starting",
        "parent_commits": [BASE], "branch": f"work/bob/{variant_id}", "started_at": AT,
    }  # fmt: skip


async def test_one_full_cycle_on_the_wire(app: StoreApp) -> None:
    created = await app.post("v0:tasks", ideation(app, "t1"), "orchestrators")
    assert created == ideation(app, "t1") | {"created_by": app.store.id_of("orchestrators")}
    claim = await app.post("v0:tasks/t1/claim", {"expires_at": "2099-01-01T00:00:00Z"})
    assert claim.keys() == {"worker_id", "claimed_at", "expires_at"}
    assert claim["expires_at"] == "2099-01-01T00:00:00Z"
    drafted = await app.post("v0:ideas", idea(app, "i1"))
    assert drafted == idea(app, "i1") | {"created_by": app.store.id_of("ann")}
    assert (await app.post("v0:ideas/i1/mark-ready"))["state"] == "ready"
    result = {"idea_ids": ["i1"], "status": "success", "thought": {"deep": True, "odd": "\x00\u2028"}}
    assert await app.post("v0:tasks/t1/submit", {"payload": result}) is None
    assert await app.get("v0:tasks/t1/submission") == result
    assert await app.post("v0:tasks/t1/accept", name="orchestrators") is None
    execution = ideation(app, "t2", kind="execution", payload={"idea_id": "i1"})
    await app.post("v0:tasks", execution, "orchestrators")
    await app.post("v0:tasks/t2/claim", name="bob")
    started = await app.post("v0:variants", variant(app, "v1", "i1"), "bob")
    assert started == variant(app, "v1", "i1")
    done = {"variant_id": "v1", "status": "success", "commit_sha": sha(1)}
    await app.post("v0:tasks/t2/submit", {"payload": done}, "bob")
    await app.post("v0:tasks/t2/accept", name="orchestrators")
    await app.post("v0:tasks", ideation(app, "t3", kind="evaluation", payload={"variant_id": "v1"}), "admins")
    await app.post("v0:tasks/t3/claim", {}, "eve")
    measured = {"variant_id": "v1", "status": "success", "evaluation": {"accuracy": 1, "note": None}}
    await app.post("v0:tasks/t3/submit", {"payload": measured}, "eve")
    await app.post("v0:tasks/t3/accept", name="orchestrators")
    await app.post("v0:variants/v1/integrate", {"variant_commit_sha": sha(2)}, "orchestrators")
    found = await app.get("v0:variants/v1", "admin")
    assert found.pop("completed_at")
    assert found == variant(app, "v1", "i1") | {
        "status": "success", "commit_sha": sha(1), "variant_commit_sha": sha(2),
        "evaluation": {"accuracy": 1, "note": None},
        "executed_by": app.store.id_of("bob"), "evaluated_by": app.store.id_of("eve"),
    }  # fmt: skip
    assert [type_ for type_, _ in app.store.told()] == [
        "task.created", "task.claimed", "idea.drafted", "idea.ready", "task.submitted", "task.completed",
        "task.created", "idea.dispatched", "task.claimed", "variant.started", "task.submitted", "task.completed",
        "idea.completed", "task.created", "task.claimed", "task.submitted", "task.completed", "variant.succeeded",
        "variant.integrated",
    ]  # fmt: skip


async def test_lists_are_bare_and_filtered(app: StoreApp) -> None:
    store = app.store
    held, open_, idea_id = store.task(), store.task(), store.idea(is_ready=False)
    store.claim(held)
    variant_id = store.variant(store.idea())
    for path, parameters, ids in (
        ("v0:tasks", {}, [held, open_]),
        ("v0:tasks", {"state": "claimed"}, [held]),
        ("v0:tasks", {"kind": "execution"}, []),
        ("v0:ideas", {"state": "drafting"}, [idea_id]),
        ("v0:variants", {"status": "starting"}, [variant_id]),
        ("v0:variants", {"status": "error"}, []),
    ):
        key = path.removeprefix("v0:").removesuffix("s") + "_id"
        assert [item[key] for item in await app.get(path, **parameters)] == ids
    for path, wrong in (
        ("tasks", {"state": "new"}),
        ("tasks", {"kind": "x"}),
        ("ideas", {"state": "x"}),
        ("variants", {"status": "x"}),
    ):
        await app.refused("bad-request", "ann", "GET", f"v0:{path}", params=wrong)


async def test_a_task_shows_target_and_claim_only_while_it_has_them(app: StoreApp) -> None:
    target = {"kind": "worker", "id": app.store.id_of("bob")}
    await app.post("v0:tasks", ideation(app, "t", target=target), "admins")
    assert (await app.get("v0:tasks/t"))["target"] == target
    await app.post("v0:tasks/t/claim", name="bob")
    assert (await app.get("v0:tasks/t"))["claim"]["worker_id"] == app.store.id_of("bob")
    body = {"new_target": None, "reason": "anybody"}
    task = await app.post("v0:tasks/t/reassign", body, "admins")
    assert task.keys().isdisjoint({"target", "claim"})


GATES = [
    ("orch", tasks.ACCEPT_TASK), ("orch", tasks.REJECT_TASK), ("orch", variants.INTEGRATE_VARIANT),
    ("admins", tasks.REASSIGN_TASK), ("admins|orch", tasks.CREATE_TASK),
    ("worker", tasks.CLAIM_TASK), ("worker", tasks.SUBMIT_TASK), ("worker", tasks.RECLAIM_TASK),
    ("worker", ideas.CREATE_IDEA), ("worker", ideas.MARK_IDEA_READY), ("worker", variants.CREATE_VARIANT),
    ("worker", variants.DECLARE_EVALUATION_ERROR), ("worker", tasks.RENEW_CLAIM), ("worker", tasks.GIT_PASSWORD),
]  # fmt: skip
ADMITTED = {
    "orch": {"orchestrators"}, "admins": {"admins"}, "admins|orch": {"admins", "orchestrators"},
    "worker": {"ann", "admins", "orchestrators"},
}  # fmt: skip


@pytest.mark.parametrize(("gate", "call"), GATES, ids=[call.name for _, call in GATES])
async def test_each_call_admits_whom_its_gate_names(sqlite_app: StoreApp, gate: str, call: Any) -> None:
    app = sqlite_app
    path = call.path.partition("{experiment_id}/")[2].format(task_id="x", idea_id="x", variant_id="x")
    base = "v0" if call.path.startswith("/v0") else "api"
    for name in ("admin", "ann", "admins", "orchestrators"):
        response = await app.call(name, call.method, f"{base}:{path}", {"not": "a body"})
        is_forbidden = response.json()["type"] == "eden://error/forbidden"
        assert is_forbidden == (name not in ADMITTED[gate]), (name, response.text)
    headers = {"Authorization": f"Bearer {app.store.id_of('ann')}:guess"}
    await app.refused("unauthorized", "ann", call.method, f"{base}:{path}", {}, headers=headers)


async def test_the_header_names_the_experiment_of_the_path(app: StoreApp) -> None:
    await app.refused(
        "experiment-id-mismatch", "ann", "GET", "v0:tasks", headers={"X-Eden-Experiment-Id": "exp_" + ulid(2)}
    )
    response = await app.http.get(f"{app.v0}/tasks", headers={"Authorization": app.headers("ann")["Authorization"]})
    assert response.json()["type"] == "eden://error/experiment-id-mismatch"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tasks/t/claim", {"worker_id": "wkr_" + ulid(1)}),
        ("tasks/t/claim", {"expires_at": None}),
        ("tasks/t/claim", {"expires_at": "tomorrow"}),
        ("tasks/t/submit", {}),
        ("tasks/t/submit", {"payload": {}, "worker_id": "wkr_" + ulid(1)}),
        ("tasks/t/submit", {"payload": []}),
        ("tasks/t/submit", {"payload": {"status": "success"}}),
        ("tasks/t/reclaim", {}),
        ("tasks/t/reclaim", {"cause": "boredom"}),
        ("ideas", {"idea_id": "i"}),
        ("variants", {"variant_id": "v"}),
    ],
)
async def test_a_body_of_another_shape_is_a_bad_request(sqlite_app: StoreApp, path: str, body: dict[str, Any]) -> None:
    app = sqlite_app
    await app.post("v0:tasks", ideation(app, "t"), "orchestrators")
    app.store.claim("t", "ann")
    await app.refused("bad-request", "ann", "POST", f"v0:{path}", body)


@pytest.mark.parametrize(
    "changes",
    [
        {"claim": {"worker_id": "wkr_" + ulid(1), "claimed_at": AT}}, {"claim": None}, {"state": "claimed"},
        {"payload": {}}, {"payload": {"experiment_id": "exp_" + ulid(9)}}, {"kind": "rest"}, {"target": None},
        {"target": {"kind": "worker", "id": "grp_" + ulid(1)}}, {"created_at": "2026-01-01T00:00:00+01:00"},
        {"task_id": ""}, {"task_id": 7},
    ],
)  # fmt: skip
async def test_a_new_task_of_another_shape_is_a_bad_request(sqlite_app: StoreApp, changes: dict[str, Any]) -> None:
    await sqlite_app.refused("bad-request", "admins", "POST", "v0:tasks", ideation(sqlite_app, "t", **changes))


@pytest.mark.parametrize(
    "body", [{"reason": "r"}, {"new_target": None}, {"new_target": None, "reason": ""},
             {"new_target": {"kind": "group", "id": "wkr_" + ulid(1)}, "reason": "r"},
             {"new_target": None, "reason": "r", "task_id": "t"}],
)  # fmt: skip
async def test_a_reassignment_of_another_shape_is_a_bad_request(sqlite_app: StoreApp, body: dict[str, Any]) -> None:
    await sqlite_app.post("v0:tasks", ideation(sqlite_app, "t"), "orchestrators")
    await sqlite_app.refused("bad-request", "admins", "POST", "v0:tasks/t/reassign", body)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"payload": {"x": NaN}}', b'{"payload": {"x": 1e999}}',
                                 b'{"payload": {"idea_ids": [], "status": "success", "x": "\\ud800"}}'])  # fmt: skip
async def test_what_is_no_json_is_a_bad_request(sqlite_app: StoreApp, raw: bytes) -> None:
    app = sqlite_app
    await app.post("v0:tasks", ideation(app, "t"), "orchestrators")
    app.store.claim("t", "ann")
    await app.refused("bad-request", "ann", "POST", "v0:tasks/t/submit", content=raw)


async def test_each_refusal_of_a_state_travels_as_its_problem(app: StoreApp) -> None:
    store = app.store
    task_id, idea_id, variant_id = store.executing()
    bob = ("bob", "POST", f"v0:tasks/{task_id}/submit")
    await app.refused("not-found", "ann", "GET", "v0:tasks/nowhere")
    await app.refused("not-found", "ann", "GET", "v0:tasks/no%00where")
    await app.refused("not-found", "ann", "GET", f"v0:tasks/{task_id}/submission")
    await app.refused("not-found", "ann", "GET", "v0:ideas/nowhere")
    await app.refused("not-found", "ann", "GET", "v0:variants/nowhere")
    await app.refused("illegal-transition", "ann", "POST", f"v0:tasks/{task_id}/claim")
    await app.refused("illegal-transition", "orchestrators", "POST", f"v0:tasks/{task_id}/accept")
    await app.refused("wrong-claimant", "ann", *bob[1:], {"payload": {}})
    no_op = {"variant_id": variant_id, "status": "success", "commit_sha": BASE}
    await app.refused("no-op-variant", *bob, {"payload": no_op})
    await app.post(bob[2], {"payload": no_op | {"commit_sha": sha(1)}}, "bob")
    await app.refused("conflicting-resubmission", *bob, {"payload": no_op | {"commit_sha": sha(2)}})
    body = {"new_target": None, "reason": "late"}
    await app.refused("invalid-precondition", "admins", "POST", f"v0:tasks/{task_id}/reassign", body)
    execution = ideation(app, "again", kind="execution", payload={"idea_id": idea_id})
    await app.refused("already-exists", "orchestrators", "POST", "v0:tasks", execution)
    store.accept(task_id)
    await app.refused("not-claimed", *bob, {"payload": no_op})
    await app.refused("invalid-precondition", "orchestrators", "POST", "v0:tasks", execution)
    await app.refused("illegal-transition", "ann", "POST", f"v0:ideas/{idea_id}/mark-ready")
    group = {"kind": "group", "id": "grp_" + ulid(1)}
    await app.post("v0:tasks", ideation(app, "theirs", target=group), "orchestrators")
    await app.refused("worker-not-eligible", "ann", "POST", "v0:tasks/theirs/claim")
    await app.refused("forbidden", "ann", "POST", "v0:variants", store.baseline_body().to_wire())
    await app.refused("invalid-precondition", "orchestrators", "POST", f"v0:variants/{variant_id}/integrate",
                      {"variant_commit_sha": "HEAD"})  # fmt: skip


async def test_our_own_calls_page_show_renew_release_and_issue(app: StoreApp) -> None:
    store = app.store
    task_id, idea_id, variant_id = store.executing()
    page = await app.get("api:tasks", name="bob", claimed_by="me", limit=1)
    assert ([task["task_id"] for task in page["items"]], "next" in page) == ([task_id], False)
    assert (await app.get(f"api:tasks/{task_id}"))["claimant_name"] == "bob"
    assert (await app.get(f"api:ideas/{idea_id}"))["variant_ids"] == [variant_id]
    assert (await app.get("api:ideas"))["total"] == 1
    assert (await app.get(f"api:variants/{variant_id}"))["number"] == 1
    assert (await app.get("api:variants", order="best"))["items"][0]["label"] == "idea-1"
    assert [point["variant_id"] for point in await app.get("api:progress")] == [variant_id]
    issued = await app.post(f"api:tasks/{task_id}/git-password", name="bob")
    assert issued["username"] == store.id_of("bob")
    bearer = {"Authorization": f"Bearer {issued['username']}:{issued['password']}"}
    await app.refused("unauthorized", "bob", "GET", "v0:tasks", headers=bearer)  # it opens git and nothing else
    renewed = await app.post(f"api:tasks/{task_id}/renew", {"seconds": 5}, "bob")
    assert renewed["worker_id"] == store.id_of("bob")
    await app.refused("bad-request", "bob", "POST", f"api:tasks/{task_id}/renew", {"seconds": 0})
    await app.refused("wrong-claimant", "ann", "POST", f"api:tasks/{task_id}/release")
    assert (await app.post(f"api:tasks/{task_id}/release", name="bob"))["state"] == "pending"
    await app.refused("bad-request", "bob", "GET", "api:tasks", params={"after": "x"})
    await app.refused("bad-request", "bob", "GET", "api:tasks", params={"claimed_by": "\x00"})
    await app.refused("bad-request", "bob", "GET", "api:tasks", params={"limit": 0})
