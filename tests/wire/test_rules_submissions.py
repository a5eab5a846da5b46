"""Submissions as the protocol has them: the table of §4.4, what counts as the same, and their payloads (§5.4)."""

import asyncio
from typing import Any

import pytest

from tests.store.task_house import URI, sha
from tests.wire.yard import ONE_WAY, Yard

SUCCESS = {"idea_ids": [], "status": "success"}


def body(**payload: Any) -> dict[str, Any]:
    return {"payload": payload}


async def claimed(yard: Yard) -> str:
    task_id = await yard.task()
    await yard.claim(task_id)
    return task_id


async def test_a_good_result_is_kept_with_its_worker_and_its_claim(yard: Yard) -> None:
    task_id = await claimed(yard)
    claim = (await yard.see("task", task_id))["claim"]
    await yard.told()
    payload = SUCCESS | {"artifacts_uri": URI, "thoughts": {"deep": [1, None, "\x00\u2028"]}, "submission_id": "one"}
    await yard.submit(task_id, **payload)
    told = await yard.told()
    assert told == [("task.submitted", {"task_id": task_id, "worker_id": yard.store.id_of("bob")})]
    task = await yard.see("task", task_id)
    assert (task["state"], task["submitted_by"], task["claim"]) == ("submitted", yard.store.id_of("bob"), claim)
    assert await yard.get(f"v0:tasks/{task_id}/submission") == payload


async def test_there_is_no_submission_before_there_is_one(yard: Yard) -> None:
    await yard.refused("not-found", "ann", "GET", f"v0:tasks/{await claimed(yard)}/submission")
    await yard.refused("not-found", "ann", "GET", "v0:tasks/nowhere/submission")
    await yard.changes_nothing("not-found", "ann", "v0:tasks/nowhere/submit", body(**SUCCESS))


async def test_the_state_is_checked_first_then_the_claimant_then_the_payload(yard: Yard) -> None:
    task_id = await yard.task()
    path = f"v0:tasks/{task_id}/submit"
    await yard.changes_nothing("not-claimed", "bob", path, body(odd=1))
    await yard.claim(task_id)
    await yard.changes_nothing("wrong-claimant", "ann", path, body(odd=1))
    await yard.changes_nothing("bad-request", "bob", path, body(odd=1))
    await yard.submit(task_id, **SUCCESS)
    await yard.changes_nothing("wrong-claimant", "ann", path, body(**SUCCESS))
    await yard.changes_nothing("conflicting-resubmission", "bob", path, body(idea_ids=[], status="error"))
    await yard.changes_nothing("conflicting-resubmission", "bob", path, body(odd=1))
    assert await yard.get(f"v0:tasks/{task_id}/submission") == SUCCESS
    await yard.accept(task_id)
    for name in ("bob", "ann"):
        await yard.changes_nothing("not-claimed", name, path, body(**SUCCESS))


async def test_a_failed_task_takes_no_result_even_the_same(yard: Yard) -> None:
    task_id = await claimed(yard)
    await yard.submit(task_id, idea_ids=[], status="error")
    await yard.reject(task_id)
    await yard.changes_nothing("not-claimed", "bob", f"v0:tasks/{task_id}/submit", body(idea_ids=[], status="error"))


@ONE_WAY
@pytest.mark.parametrize("wrong", [{}, {"payload": []}, {"payload": None}, body(**SUCCESS) | {"worker_id": "me"}])
async def test_a_submission_is_a_payload_and_nothing_else(yard: Yard, wrong: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "bob", f"v0:tasks/{await claimed(yard)}/submit", wrong)


async def test_ideas_are_compared_as_a_set_and_artifacts_never(yard: Yard) -> None:
    one, two, task_id = await yard.idea(), await yard.idea(), await claimed(yard)
    await yard.submit(task_id, idea_ids=[one, two], status="success", artifacts_uri=URI)
    await yard.told()
    await yard.submit(task_id, idea_ids=[two, one, two], status="success", artifacts_uri=URI + "/2", submission_id="x")
    assert await yard.told() == []
    assert (await yard.get(f"v0:tasks/{task_id}/submission"))["artifacts_uri"] == URI
    for ids, status in (([one], "success"), ([one, two], "error")):
        path = f"v0:tasks/{task_id}/submit"
        await yard.changes_nothing("conflicting-resubmission", "bob", path, body(idea_ids=ids, status=status))


async def test_executions_are_compared_by_variant_status_and_commit(yard: Yard) -> None:
    task_id, idea_id, variant_id = await yard.executing()
    good = {"variant_id": variant_id, "status": "success", "commit_sha": sha(1)}
    await yard.submit(task_id, **good)
    await yard.submit(task_id, **good, artifacts_uri=URI)
    other = await yard.variant(idea_id)
    for change in ({"commit_sha": sha(2)}, {"status": "error"}, {"variant_id": other}):
        await yard.changes_nothing(
            "conflicting-resubmission", "bob", f"v0:tasks/{task_id}/submit", body(**good | change)
        )


async def test_metrics_are_compared_by_value_and_a_boolean_is_no_number(yard: Yard) -> None:
    variant_id = await yard.executed()
    task_id = await yard.evaluating(variant_id)
    good = {"variant_id": variant_id, "status": "success", "evaluation": {"accuracy": 1, "note": None}}
    await yard.submit(task_id, **good)
    await yard.submit(task_id, **good | {"evaluation": {"note": None, "accuracy": 1.0}})
    for metrics in ({"accuracy": True, "note": None}, {"accuracy": 1}, {"accuracy": 2, "note": None}):
        wrong = body(**good | {"evaluation": metrics})
        await yard.changes_nothing("conflicting-resubmission", "bob", f"v0:tasks/{task_id}/submit", wrong)


async def test_of_many_submissions_at_once_one_counts_and_the_rest_repeat_or_conflict(yard: Yard) -> None:
    task_id = await claimed(yard)
    await yard.told()
    bodies = [body(idea_ids=[], status=status) for status in ("success", "error")] * 10
    path = f"v0:tasks/{task_id}/submit"
    answers = await asyncio.gather(*(yard.call("bob", "POST", path, one) for one in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [409] * 10
    assert await yard.types() == ["task.submitted"]


EXECUTION, EVALUATION = {"variant_id": "?", "status": "success", "commit_sha": sha(1)}, {"variant_id": "?"}


@ONE_WAY
@pytest.mark.parametrize(
    "payload",
    [
        {}, {"status": "success"}, {"idea_ids": []}, {"idea_ids": [], "status": "done"},
        {"idea_ids": "i", "status": "success"}, {"idea_ids": [1], "status": "success"},
        {"idea_ids": [None], "status": "success"}, {"idea_ids": [], "status": None},
    ],
)  # fmt: skip
async def test_an_ideation_that_is_none_is_a_bad_request(yard: Yard, payload: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "bob", f"v0:tasks/{await claimed(yard)}/submit", body(**payload))


@ONE_WAY
@pytest.mark.parametrize(
    "change",
    [
        {"commit_sha": "HEAD"}, {"commit_sha": "A" * 40}, {"commit_sha": None}, {"status": "evaluation_error"},
        {"variant_id": 7}, {"artifacts_uri": None}, {"artifacts_uri": "no uri"},
    ],
)  # fmt: skip
async def test_an_execution_that_is_none_is_a_bad_request(yard: Yard, change: dict[str, Any]) -> None:
    task_id, _, variant_id = await yard.executing()
    payload = EXECUTION | {"variant_id": variant_id} | change
    await yard.changes_nothing("bad-request", "bob", f"v0:tasks/{task_id}/submit", body(**payload))
    del payload["status"]
    await yard.changes_nothing("bad-request", "bob", f"v0:tasks/{task_id}/submit", body(**payload))


async def test_a_successful_execution_names_its_commit_and_a_failed_one_need_not(yard: Yard) -> None:
    task_id, _, variant_id = await yard.executing()
    path = f"v0:tasks/{task_id}/submit"
    await yard.changes_nothing("bad-request", "bob", path, body(variant_id=variant_id, status="success"))
    await yard.submit(task_id, variant_id=variant_id, status="error")


@ONE_WAY
@pytest.mark.parametrize(
    "change", [{"evaluation": []}, {"evaluation": None}, {"status": "success"}, {"status": "failed"}, {"status": 1}]
)
async def test_an_evaluation_that_is_none_is_a_bad_request(yard: Yard, change: dict[str, Any]) -> None:
    variant_id = await yard.executed()
    path = f"v0:tasks/{await yard.evaluating(variant_id)}/submit"
    payload = {"variant_id": variant_id, "status": "error"} | change
    await yard.changes_nothing("bad-request", "bob", path, body(**payload))


async def test_listed_ideas_exist_and_are_past_drafting(yard: Yard) -> None:
    task_id = await claimed(yard)
    path = f"v0:tasks/{task_id}/submit"
    await yard.changes_nothing("not-found", "bob", path, body(idea_ids=["nowhere"], status="success"))
    drafting = await yard.idea(is_ready=False)
    for status in ("success", "error"):
        wrong = body(idea_ids=[drafting], status=status)
        await yard.changes_nothing("invalid-precondition", "bob", path, wrong)
    await yard.submit(task_id, idea_ids=[await yard.idea()], status="success")


async def test_a_variant_belongs_to_the_task_that_submits_it(yard: Yard) -> None:
    here = await yard.fresh()
    task_id, idea_id, variant_id = await here.executing()
    _, _, foreign = await here.executing()
    baseline = here.baseline_body(idea_id=idea_id)
    await here.post("v0:variants", baseline, "orchestrators")
    path = f"v0:tasks/{task_id}/submit"
    await here.changes_nothing("not-found", "bob", path, body(**EXECUTION | {"variant_id": "nowhere"}))
    for other in (foreign, baseline["variant_id"]):
        await here.changes_nothing("invalid-precondition", "bob", path, body(**EXECUTION | {"variant_id": other}))
    await here.submit(task_id, **EXECUTION | {"variant_id": variant_id})
    await here.accept(task_id)
    path = f"v0:tasks/{await here.evaluating(variant_id)}/submit"
    for other, kind in (("nowhere", "not-found"), (foreign, "invalid-precondition")):
        await here.changes_nothing(kind, "bob", path, body(variant_id=other, status="evaluation_error"))


async def test_a_commit_that_is_every_parent_changes_nothing(yard: Yard) -> None:
    parents = [sha(5), sha(6)]
    task_id, _, variant_id = await yard.executing(parent_commits=[sha(5)])
    no_op = body(variant_id=variant_id, status="success", commit_sha=sha(5))
    for _ in range(2):
        await yard.changes_nothing("no-op-variant", "bob", f"v0:tasks/{task_id}/submit", no_op)
    await yard.submit(task_id, variant_id=variant_id, status="error", commit_sha=sha(5))
    task_id, _, variant_id = await yard.executing(parent_commits=parents)
    await yard.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(6))  # it differs from one
