"""Variants as the protocol has them: started (§5.2), baseline (§5.3), given up (§5.7), integrated (§5.8)."""

import asyncio
from typing import Any

import pytest

from tests.store.task_house import AT, BASE, URI, sha, ulid
from tests.wire.yard import ONE_WAY, Yard


async def test_a_variant_answers_as_it_was_written(yard: Yard) -> None:
    idea_id = await yard.idea(parent_commits=[BASE, sha(1)])
    await yard.told()
    body = yard.variant_body(idea_id, parent_commits=[BASE, sha(1)], description="twice")
    credit = {"executed_by": yard.store.id_of("ann"), "commit_sha": sha(2), "extra": 1}
    assert await yard.post("v0:variants", body | credit, "bob") == body  # what others write is not taken from here
    assert await yard.told() == [("variant.started", {"variant_id": body["variant_id"], "idea_id": idea_id})]
    assert await yard.see("variant", body["variant_id"]) == body
    assert body in await yard.get("v0:variants", status="starting")


@ONE_WAY
@pytest.mark.parametrize(
    "changes",
    [
        {"idea_id": None}, {"status": "success"}, {"status": "error"}, {"status": "rest"}, {"completed_at": AT},
        {"evaluation": {"accuracy": 1}}, {"variant_commit_sha": sha(1)}, {"branch": "main"}, {"branch": "work/"},
        {"parent_commits": []}, {"experiment_id": "exp_" + ulid(9)}, {"kind": "other"}, {"kind": None},
        {"variant_id": ""}, {"description": None}, {"started_at": "now"},
    ],
)  # fmt: skip
async def test_a_variant_that_is_none_is_a_bad_request(yard: Yard, changes: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "bob", "v0:variants", yard.variant_body(await yard.idea()) | changes)


async def test_a_variant_names_an_idea_that_exists_and_has_its_parents(yard: Yard) -> None:
    idea_id = await yard.idea(parent_commits=[BASE, sha(1)])
    body = yard.variant_body(idea_id)
    await yard.changes_nothing("invalid-precondition", "bob", "v0:variants", body)
    await yard.changes_nothing("not-found", "bob", "v0:variants", body | {"idea_id": "nowhere"})
    del body["idea_id"]
    await yard.changes_nothing("bad-request", "bob", "v0:variants", body)


async def test_no_two_variants_share_an_id_or_a_branch(yard: Yard) -> None:
    _, idea_id, variant_id = await yard.executing()
    branch = (await yard.see("variant", variant_id))["branch"]
    for changes in ({"variant_id": variant_id}, {"branch": branch}):
        body = yard.variant_body(idea_id) | changes
        await yard.changes_nothing("already-exists", "bob", "v0:variants", body)
    without = yard.variant_body(idea_id)
    del without["branch"]
    assert "branch" not in await yard.post("v0:variants", without, "bob")


async def test_the_admin_bearer_starts_no_variant(yard: Yard) -> None:
    _, idea_id, variant_id = await yard.executing()
    await yard.changes_nothing("forbidden", "admin", "v0:variants", yard.variant_body(idea_id))
    await yard.changes_nothing("forbidden", "admin", f"v0:variants/{variant_id}/declare-evaluation-error")


async def test_a_baseline_is_the_orchestrators_to_create_once(yard: Yard) -> None:
    here = await yard.fresh()
    body = here.baseline_body()
    for name in ("ann", "admins", "admin"):
        await here.changes_nothing("forbidden", name, "v0:variants", body)
    assert await here.post("v0:variants", body, "orchestrators") == body
    assert await here.told() == [("variant.started", {"variant_id": body["variant_id"], "kind": "baseline"})]
    await here.changes_nothing("already-exists", "orchestrators", "v0:variants", here.baseline_body())
    task_id = await here.task("evaluation", body["variant_id"])
    assert "target" not in await here.see("task", task_id)
    await here.claim(task_id)
    await here.submit(task_id, variant_id=body["variant_id"], status="success", evaluation={"accuracy": 1})
    await here.accept(task_id)
    assert ("variant.succeeded", {"variant_id": body["variant_id"], "commit_sha": BASE}) in await here.told()


async def test_a_baseline_may_come_scored(yard: Yard) -> None:
    here = await yard.fresh()
    scored = {"status": "success", "evaluation": {"accuracy": 0.5}, "completed_at": AT}
    for wrong in ({"accuracy": "high"}, {"unknown": 1}, {"status": 1}):
        body = here.baseline_body(**scored | {"evaluation": wrong})
        await here.changes_nothing("invalid-precondition", "orchestrators", "v0:variants", body)
    for missing in ("evaluation", "completed_at"):
        body = {key: value for key, value in here.baseline_body(**scored).items() if key != missing}
        await here.changes_nothing("bad-request", "orchestrators", "v0:variants", body)
    assert await here.get("v0:variants") == []
    body = here.baseline_body(**scored)
    assert await here.post("v0:variants", body, "orchestrators") == body
    assert dict(await here.told()) == {
        "variant.started": {"variant_id": body["variant_id"], "kind": "baseline"},
        "variant.succeeded": {"variant_id": body["variant_id"], "commit_sha": BASE},
    }
    refused = here.task_body("evaluation", body["variant_id"])
    await here.changes_nothing("invalid-precondition", "orchestrators", "v0:tasks", refused)
    path, commit = f"v0:variants/{body['variant_id']}/integrate", {"variant_commit_sha": sha(1)}
    await here.changes_nothing("invalid-precondition", "orchestrators", path, commit)
    assert "variant_commit_sha" not in await here.see("variant", body["variant_id"])


@ONE_WAY
@pytest.mark.parametrize("changes", [{"parent_commits": [sha(1)]}, {"commit_sha": None}, {"status": "error"}])
async def test_a_baseline_is_its_own_parent_and_starts_or_is_scored(yard: Yard, changes: dict[str, Any]) -> None:
    here = await yard.fresh()
    await here.changes_nothing("bad-request", "orchestrators", "v0:variants", here.baseline_body() | changes)


@pytest.mark.parametrize("end", ["error", "evaluation_error"])
async def test_a_baseline_may_end_badly_like_any_other(yard: Yard, end: str) -> None:
    here = await yard.fresh()
    body = here.baseline_body()
    await here.post("v0:variants", body, "orchestrators")
    task_id = await here.evaluating(body["variant_id"])
    await here.submit(task_id, variant_id=body["variant_id"], status=end)
    await here.reject(task_id)
    if end == "evaluation_error":
        await here.post(f"v0:variants/{body['variant_id']}/declare-evaluation-error")
    assert (await here.see("variant", body["variant_id"]))["status"] == end
    commit = {"variant_commit_sha": sha(1)}
    path = f"v0:variants/{body['variant_id']}/integrate"
    await here.changes_nothing("invalid-precondition", "orchestrators", path, commit)


async def test_giving_up_an_evaluation_keeps_nothing_of_earlier_attempts(yard: Yard) -> None:
    variant_id = await yard.executed()
    task_id = await yard.evaluating(variant_id)
    given = {"status": "evaluation_error", "evaluation": {"accuracy": 1}, "artifacts_uri": URI}
    await yard.submit(task_id, variant_id=variant_id, **given)
    await yard.reject(task_id)
    before = await yard.see("variant", variant_id)
    await yard.told()
    assert await yard.post(f"v0:variants/{variant_id}/declare-evaluation-error", name="eve") is None
    assert await yard.told() == [("variant.evaluation_errored", {"variant_id": variant_id})]
    after = await yard.see("variant", variant_id)
    assert after == before | {"status": "evaluation_error", "completed_at": after["completed_at"]}
    path = f"v0:variants/{variant_id}/declare-evaluation-error"
    await yard.changes_nothing("illegal-transition", "eve", path)
    await yard.changes_nothing("not-found", "eve", "v0:variants/nowhere/declare-evaluation-error")
    refused = yard.task_body("evaluation", variant_id)
    await yard.changes_nothing("invalid-precondition", "orchestrators", "v0:tasks", refused)


async def test_a_success_is_integrated_once_and_the_same_again_is_nothing_new(yard: Yard) -> None:
    variant_id = await yard.evaluated(accuracy=1)
    before = await yard.see("variant", variant_id)
    await yard.told()
    path, commit = f"v0:variants/{variant_id}/integrate", {"variant_commit_sha": sha(7)}
    for _ in range(2):
        assert await yard.post(path, commit, "orchestrators") is None
    assert await yard.told() == [("variant.integrated", {"variant_id": variant_id, **commit})]
    assert await yard.see("variant", variant_id) == before | commit
    await yard.changes_nothing("invalid-precondition", "orchestrators", path, {"variant_commit_sha": sha(8)})
    await yard.changes_nothing("illegal-transition", "ann", f"v0:variants/{variant_id}/declare-evaluation-error")
    assert await yard.see("variant", variant_id) == before | commit


async def test_of_many_integrations_at_once_one_is_told(yard: Yard) -> None:
    variant_id = await yard.evaluated(accuracy=1)
    await yard.told()
    path, bodies = f"v0:variants/{variant_id}/integrate", [{"variant_commit_sha": sha(n % 2)} for n in range(20)]
    answers = await asyncio.gather(*(yard.call("orchestrators", "POST", path, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [409] * 10
    assert await yard.types() == ["variant.integrated"]


async def test_what_is_no_commit_is_a_failed_precondition_and_what_is_no_text_a_bad_request(yard: Yard) -> None:
    path = f"v0:variants/{await yard.evaluated(accuracy=1)}/integrate"
    for wrong in ("HEAD", "", "A" * 40, sha(1) + "\n"):
        await yard.changes_nothing("invalid-precondition", "orchestrators", path, {"variant_commit_sha": wrong})
    for body in ({}, {"variant_commit_sha": 1}, {"variant_commit_sha": None}, {"variant_commit_sha": sha(1), "x": 1}):
        await yard.changes_nothing("bad-request", "orchestrators", path, body)
    for name in ("ann", "admins", "admin"):
        await yard.changes_nothing("forbidden", name, path, {"variant_commit_sha": sha(1)})


async def test_only_a_success_is_integrated(yard: Yard) -> None:
    starting = await yard.executed()
    commit = {"variant_commit_sha": sha(7)}
    await yard.changes_nothing("invalid-precondition", "orchestrators", f"v0:variants/{starting}/integrate", commit)
    await yard.post(f"v0:variants/{starting}/declare-evaluation-error")
    await yard.changes_nothing("invalid-precondition", "orchestrators", f"v0:variants/{starting}/integrate", commit)
    task_id, _, errored = await yard.executing()
    await yard.reclaim(task_id)
    await yard.changes_nothing("invalid-precondition", "orchestrators", f"v0:variants/{errored}/integrate", commit)
    await yard.changes_nothing("not-found", "orchestrators", "v0:variants/nowhere/integrate", commit)
