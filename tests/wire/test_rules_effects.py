"""What accepting and rejecting bring with them, in one commit with their events (protocol §4.5)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.store.task_house import URI, sha
from tests.wire.yard import ONE_WAY, Yard

REASONS = ("worker_error", "validation_error", "policy_limit")


async def submitted(yard: Yard, kind: str, **payload: Any) -> tuple[str, str]:
    """A submitted task of a kind, and its variant if it has one."""
    if kind == "ideation":
        task_id, variant_id = await yard.task(), ""
        await yard.claim(task_id)
        await yard.submit(task_id, **{"idea_ids": []} | payload)
    elif kind == "execution":
        task_id, _, variant_id = await yard.executing()
        await yard.submit(task_id, **{"variant_id": variant_id, "commit_sha": sha(1)} | payload)
    else:
        variant_id = await yard.executed()
        task_id = await yard.evaluating(variant_id)
        await yard.submit(task_id, variant_id=variant_id, **payload)
    await yard.told()
    return task_id, variant_id


def added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What an entity has that it had not, save the moment it ended."""
    return {key: value for key, value in after.items() if before.get(key) != value and key != "completed_at"}


async def ended(yard: Yard, task_id: str, state: str) -> None:
    task = await yard.see("task", task_id)
    assert (task["state"], task["submitted_by"], "claim" in task) == (state, yard.store.id_of("bob"), False)


async def test_an_accepted_ideation_touches_no_idea(yard: Yard) -> None:
    idea_id = await yard.idea()
    before = await yard.see("idea", idea_id)
    task_id, _ = await submitted(yard, "ideation", status="success", idea_ids=[idea_id])
    await yard.accept(task_id)
    assert await yard.told() == [("task.completed", {"task_id": task_id, "worker_id": yard.store.id_of("bob")})]
    assert await yard.see("idea", idea_id) == before
    await ended(yard, task_id, "completed")


@pytest.mark.parametrize("reason", REASONS)
async def test_a_rejected_ideation_fails_for_its_reason(yard: Yard, reason: str) -> None:
    task_id, _ = await submitted(yard, "ideation", status="error")
    await yard.reject(task_id, reason)
    ((type_, data),) = await yard.told()
    assert (type_, data["task_id"], data["reason"]) == ("task.failed", task_id, reason)
    await ended(yard, task_id, "failed")


async def test_an_accepted_execution_gives_its_variant_the_commit(yard: Yard) -> None:
    task_id, variant_id = await submitted(yard, "execution", status="success", artifacts_uri=URI)
    before = await yard.see("variant", variant_id)
    await yard.accept(task_id)
    told = await yard.told()
    assert sorted(type_ for type_, _ in told) == ["idea.completed", "task.completed"]
    assert dict(told)["idea.completed"] == {"idea_id": before["idea_id"], "task_id": task_id}
    after = await yard.see("variant", variant_id)
    credit = {"executed_by": yard.store.id_of("bob"), "executor_artifacts_uri": URI}
    assert added(before, after) == credit | {"commit_sha": sha(1)}
    assert (after["status"], "completed_at" in after) == ("starting", False)
    assert (await yard.see("idea", before["idea_id"]))["state"] == "completed"
    await ended(yard, task_id, "completed")


@pytest.mark.parametrize(("status", "reason"), [("error", "worker_error"), *(("success", why) for why in REASONS)])
async def test_a_rejected_execution_ends_its_idea_and_its_variant(yard: Yard, status: str, reason: str) -> None:
    task_id, variant_id = await submitted(yard, "execution", status=status, artifacts_uri=URI)
    before = await yard.see("variant", variant_id)
    await yard.reject(task_id, reason)
    assert sorted(await yard.types()) == ["idea.completed", "task.failed", "variant.errored"]
    after = await yard.see("variant", variant_id)
    credit = {"executed_by": yard.store.id_of("bob"), "executor_artifacts_uri": URI}
    assert added(before, after) == credit | {"status": "error"}
    assert "completed_at" in after
    assert (await yard.see("idea", before["idea_id"]))["state"] == "completed"
    await ended(yard, task_id, "failed")


async def test_an_accepted_evaluation_makes_its_variant_a_success(yard: Yard) -> None:
    metrics = {"accuracy": 0.5, "steps": 3.0, "note": None}
    task_id, variant_id = await submitted(yard, "evaluation", status="success", evaluation=metrics, artifacts_uri=URI)
    before = await yard.see("variant", variant_id)
    await yard.accept(task_id)
    told = await yard.told()
    assert sorted(type_ for type_, _ in told) == ["task.completed", "variant.succeeded"]
    assert dict(told)["variant.succeeded"] == {"variant_id": variant_id, "commit_sha": sha(1)}
    after = await yard.see("variant", variant_id)
    credit = {"evaluated_by": yard.store.id_of("bob"), "artifacts_uri": URI}
    assert added(before, after) == credit | {"status": "success", "evaluation": metrics}
    assert "completed_at" in after
    await ended(yard, task_id, "completed")


async def test_an_evaluation_that_finds_the_variant_at_fault_ends_it_with_what_was_measured(yard: Yard) -> None:
    given = {"status": "error", "evaluation": {"steps": 1}, "artifacts_uri": URI}
    task_id, variant_id = await submitted(yard, "evaluation", **given)
    before = await yard.see("variant", variant_id)
    await yard.reject(task_id)
    assert sorted(await yard.types()) == ["task.failed", "variant.errored"]
    assert added(before, await yard.see("variant", variant_id)) == given | {"evaluated_by": yard.store.id_of("bob")}


async def test_metrics_of_a_failed_evaluation_that_break_the_schema_are_not_kept(yard: Yard) -> None:
    task_id, variant_id = await submitted(yard, "evaluation", status="error", evaluation={"steps": "many"})
    await yard.reject(task_id)
    variant = await yard.see("variant", variant_id)
    assert (variant["status"], "evaluation" in variant) == ("error", False)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"status": "evaluation_error", "evaluation": {"accuracy": 1}, "artifacts_uri": URI}, "worker_error"),
        ({"status": "success", "evaluation": {"accuracy": "high"}}, "validation_error"),
    ],
)
async def test_a_fault_of_the_evaluator_leaves_the_variant_as_it_was(
    yard: Yard, given: dict[str, Any], reason: str
) -> None:
    task_id, variant_id = await submitted(yard, "evaluation", **given)
    before = await yard.see("variant", variant_id)
    await yard.reject(task_id, reason)
    assert await yard.types() == ["task.failed"]
    assert await yard.see("variant", variant_id) == before
    await yard.evaluating(variant_id)  # it may be measured again


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("ideation", {"status": "error"}), ("execution", {"status": "error"}), ("evaluation", {"status": "error"}),
        ("evaluation", {"status": "evaluation_error"}),
        ("evaluation", {"status": "success", "evaluation": {"accuracy": True}}),
        ("evaluation", {"status": "success", "evaluation": {"unknown": 1}}),
    ],
)  # fmt: skip
async def test_what_is_no_success_that_keeps_the_schema_is_not_accepted(
    yard: Yard, kind: str, payload: dict[str, Any]
) -> None:
    task_id, _ = await submitted(yard, kind, **payload)
    await yard.changes_nothing("invalid-precondition", "orchestrators", f"v0:tasks/{task_id}/accept")
    assert (await yard.see("task", task_id))["state"] == "submitted"


async def test_a_variant_that_ended_meanwhile_is_left_alone(yard: Yard) -> None:
    for kind, given in (
        ("execution", {"status": "success"}),
        ("evaluation", {"status": "success", "evaluation": {"accuracy": 1}}),
        ("evaluation", {"status": "error"}),
    ):
        task_id, variant_id = await submitted(yard, kind, **given)
        await yard.post(f"v0:variants/{variant_id}/declare-evaluation-error")
        before = await yard.see("variant", variant_id)
        await yard.changes_nothing("invalid-precondition", "orchestrators", f"v0:tasks/{task_id}/accept")
        await yard.reject(task_id)
        assert await yard.types() == ["task.failed", *["idea.completed"] * (kind == "execution")]
        assert await yard.see("variant", variant_id) == before


async def test_only_a_submitted_task_is_decided_on(yard: Yard) -> None:
    task_id, reject = await yard.task(), {"reason": "policy_limit"}
    for prepare in (None, yard.claim):
        if prepare is not None:
            await prepare(task_id)
        await yard.changes_nothing("illegal-transition", "orchestrators", f"v0:tasks/{task_id}/accept")
        await yard.changes_nothing("illegal-transition", "orchestrators", f"v0:tasks/{task_id}/reject", reject)
    await yard.submit(task_id, idea_ids=[], status="success")
    await yard.accept(task_id)
    await yard.changes_nothing("illegal-transition", "orchestrators", f"v0:tasks/{task_id}/accept")
    await yard.changes_nothing("illegal-transition", "orchestrators", f"v0:tasks/{task_id}/reject", reject)
    for act in ("accept", "reject"):
        await yard.changes_nothing("not-found", "orchestrators", f"v0:tasks/nowhere/{act}", reject)


@ONE_WAY
@pytest.mark.parametrize("body", [{}, {"reason": "boredom"}, {"reason": None}, {"reason": "policy_limit", "by": "me"}])
async def test_a_rejection_names_its_reason_and_nothing_else(yard: Yard, body: dict[str, Any]) -> None:
    task_id, _ = await submitted(yard, "ideation", status="error")
    await yard.changes_nothing("bad-request", "orchestrators", f"v0:tasks/{task_id}/reject", body)


async def test_only_orchestrators_decide(yard: Yard) -> None:
    task_id, _ = await submitted(yard, "ideation", status="success")
    for name in ("ann", "admins", "admin"):
        await yard.changes_nothing("forbidden", name, f"v0:tasks/{task_id}/accept")
        await yard.changes_nothing("forbidden", name, f"v0:tasks/{task_id}/reject", {"reason": "policy_limit"})
