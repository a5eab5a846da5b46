"""Tasks as the protocol has them: created (§4.2), one live task for each subject (§4.9), reassigned (§4.7)."""

from typing import Any

import pytest

from tests.store.task_house import AT, BASE, sha, ulid
from tests.wire.yard import ONE_WAY, Yard

WORKER, GROUP = {"kind": "worker", "id": "wkr_" + ulid(7)}, {"kind": "group", "id": "grp_" + ulid(7)}


async def test_a_task_answers_as_it_was_written_and_is_credited_to_its_creator(yard: Yard) -> None:
    for name in ("orchestrators", "admins"):
        body = yard.task_body(payload={"experiment_id": yard.store.experiment_id, "hint": {"look": ["left"]}})
        created = await yard.post("v0:tasks", body, name)
        assert created == body | {"created_by": yard.store.id_of(name)}
        assert await yard.see("task", body["task_id"]) == created
        assert created in await yard.get("v0:tasks", kind="ideation", state="pending")
        assert await yard.told() == [("task.created", {"task_id": body["task_id"], "kind": "ideation"})]


async def test_an_id_is_taken_once(yard: Yard) -> None:
    body = yard.task_body(task_id=await yard.task())
    await yard.changes_nothing("already-exists", "admins", "v0:tasks", body)


async def test_only_admins_and_orchestrators_create_tasks(yard: Yard) -> None:
    for name in ("ann", "admin"):
        await yard.changes_nothing("forbidden", name, "v0:tasks", yard.task_body())


@ONE_WAY
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "claimed"}, {"claim": {"worker_id": "wkr_" + ulid(1), "claimed_at": AT}}, {"kind": "rest"},
        {"payload": {}}, {"payload": {"experiment_id": "exp_" + ulid(9)}}, {"target": None}, {"task_id": ""},
        {"target": {"kind": "worker", "id": "wkr_x"}}, {"created_at": "yesterday"}, {"updated_at": None},
    ],
)  # fmt: skip
async def test_a_task_that_is_none_is_a_bad_request(yard: Yard, changes: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "admins", "v0:tasks", yard.task_body() | changes)


@ONE_WAY
async def test_a_task_body_is_open(yard: Yard) -> None:
    task_id = await yard.task(colour="green")
    assert "colour" not in await yard.see("task", task_id)


async def test_an_execution_task_dispatches_its_idea_in_the_same_commit(yard: Yard) -> None:
    idea_id = await yard.idea()
    await yard.told()
    task_id = await yard.task("execution", idea_id)
    assert dict(await yard.told()) == {
        "task.created": {"task_id": task_id, "kind": "execution"},
        "idea.dispatched": {"idea_id": idea_id, "task_id": task_id},
    }
    assert (await yard.see("idea", idea_id))["state"] == "dispatched"


async def test_an_execution_task_needs_an_idea_that_is_ready(yard: Yard) -> None:
    nowhere = yard.task_body("execution", "nowhere")
    await yard.changes_nothing("not-found", "admins", "v0:tasks", nowhere)
    drafting = yard.task_body("execution", await yard.idea(is_ready=False))
    await yard.changes_nothing("invalid-precondition", "admins", "v0:tasks", drafting)


async def test_an_idea_is_executed_once_and_its_live_task_is_named_first(yard: Yard) -> None:
    task_id, idea_id, variant_id = await yard.executing()
    again = yard.task_body("execution", idea_id)
    await yard.changes_nothing("already-exists", "admins", "v0:tasks", again)
    await yard.reclaim(task_id)
    await yard.changes_nothing("already-exists", "admins", "v0:tasks", again)
    await yard.claim(task_id)
    other = await yard.variant(idea_id)
    assert variant_id != other
    await yard.submit(task_id, variant_id=other, status="error")
    await yard.changes_nothing("already-exists", "admins", "v0:tasks", again)
    await yard.reject(task_id)
    await yard.changes_nothing("invalid-precondition", "admins", "v0:tasks", again)  # a failed idea is not tried again


async def test_an_evaluation_task_needs_a_starting_variant_with_a_commit(yard: Yard) -> None:
    await yard.changes_nothing("not-found", "admins", "v0:tasks", yard.task_body("evaluation", "nowhere"))
    _, _, without = await yard.executing()
    await yard.changes_nothing("invalid-precondition", "admins", "v0:tasks", yard.task_body("evaluation", without))
    variant_id = await yard.executed()
    first = await yard.evaluating(variant_id)
    await yard.changes_nothing("already-exists", "admins", "v0:tasks", yard.task_body("evaluation", variant_id))
    await yard.submit(first, variant_id=variant_id, status="evaluation_error")
    await yard.reject(first)
    second = await yard.evaluating(variant_id)  # still starting: measured again
    await yard.submit(second, variant_id=variant_id, status="success", evaluation={"accuracy": 1})
    await yard.accept(second)
    await yard.changes_nothing("invalid-precondition", "admins", "v0:tasks", yard.task_body("evaluation", variant_id))


async def test_a_ready_idea_is_dispatched_before_its_ideation_is_accepted(yard: Yard) -> None:
    ideation = await yard.task()
    await yard.claim(ideation, "ann")
    idea_id = await yard.idea()
    await yard.submit(ideation, "ann", idea_ids=[idea_id], status="success")
    assert (await yard.see("task", await yard.task("execution", idea_id)))["state"] == "pending"


async def test_a_target_is_given_or_copied_and_its_worker_need_not_exist(yard: Yard) -> None:
    assert (await yard.see("task", await yard.task(target=WORKER)))["target"] == WORKER
    wishes: dict[str, Any] = {"intended_executor": WORKER, "intended_evaluator": GROUP}
    copied = await yard.task("execution", await yard.idea(**wishes))
    assert (await yard.see("task", copied))["target"] == WORKER
    given = await yard.task("execution", await yard.idea(**wishes), target=GROUP)
    assert (await yard.see("task", given))["target"] == GROUP
    listed = {task["task_id"]: task.get("target") for task in await yard.get("v0:tasks", kind="execution")}
    assert (listed[copied], listed[given]) == (WORKER, GROUP)
    variant_id = await yard.executed(intended_evaluator=GROUP)
    assert (await yard.see("task", await yard.task("evaluation", variant_id)))["target"] == GROUP
    assert "target" not in await yard.see("task", await yard.task("execution", await yard.idea()))


async def test_a_pending_task_is_reassigned_in_one_event(yard: Yard) -> None:
    task_id = await yard.task(target=WORKER)
    for target in (GROUP, None):
        await yard.told()
        task = await yard.post(f"v0:tasks/{task_id}/reassign", {"new_target": target, "reason": "r"}, "admins")
        assert (task["state"], task.get("target")) == ("pending", target)
        data = {"task_id": task_id, "new_target": target, "reason": "r", "reassigned_by": yard.store.id_of("admins")}
        assert await yard.told() == [("task.reassigned", data)]
    assert "target" not in task


async def test_a_claimed_task_is_taken_back_and_reassigned_in_one_commit(yard: Yard) -> None:
    task_id, idea_id, variant_id = await yard.executing()
    await yard.told()
    task = await yard.post(f"v0:tasks/{task_id}/reassign", {"new_target": WORKER, "reason": "r"}, "admins")
    assert (task["state"], task["target"], "claim" in task) == ("pending", WORKER, False)
    told = await yard.told()
    assert sorted(type_ for type_, _ in told) == ["task.reassigned", "task.reclaimed", "variant.errored"]
    assert dict(told)["task.reclaimed"] == {"task_id": task_id, "cause": "operator"}
    assert (await yard.see("variant", variant_id))["status"] == "error"
    assert (await yard.see("idea", idea_id))["state"] == "dispatched"


async def test_a_submitted_or_ended_task_is_not_reassigned(yard: Yard) -> None:
    body = {"new_target": None, "reason": "late"}
    task_id = await yard.task()
    await yard.claim(task_id)
    await yard.submit(task_id, idea_ids=[], status="success")
    await yard.changes_nothing("invalid-precondition", "admins", f"v0:tasks/{task_id}/reassign", body)
    await yard.accept(task_id)
    await yard.changes_nothing("invalid-precondition", "admins", f"v0:tasks/{task_id}/reassign", body)
    failed = await yard.task()
    await yard.claim(failed)
    await yard.submit(failed, idea_ids=[], status="error")
    await yard.reject(failed)
    await yard.changes_nothing("invalid-precondition", "admins", f"v0:tasks/{failed}/reassign", body)


@ONE_WAY
@pytest.mark.parametrize(
    "body",
    [
        {"reason": "r"}, {"new_target": None}, {"new_target": None, "reason": ""}, {"new_target": None, "reason": None},
        {"new_target": {"kind": "group", "id": "wkr_" + ulid(1)}, "reason": "r"}, {"new_target": "bob", "reason": "r"},
        {"new_target": None, "reason": "r", "by": "me"}, {"new_target": {**GROUP, "x": 1}, "reason": "r"},
    ],
)  # fmt: skip
async def test_a_reassignment_that_is_none_is_a_bad_request(yard: Yard, body: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "admins", f"v0:tasks/{await yard.task()}/reassign", body)


async def test_only_admins_reassign(yard: Yard) -> None:
    task_id = await yard.task()
    for name in ("ann", "orchestrators", "admin"):
        body = {"new_target": None, "reason": "r"}
        await yard.changes_nothing("forbidden", name, f"v0:tasks/{task_id}/reassign", body)
    await yard.refused("not-found", "admins", "POST", "v0:tasks/nowhere/reassign", body)


async def test_lists_are_bare_arrays_of_what_the_filters_admit(yard: Yard) -> None:
    task_id, idea_id, variant_id = await yard.executing()
    for path, id_, matching, other in (
        ("tasks", task_id, {"kind": "execution", "state": "claimed"}, {"state": "pending"}),
        ("ideas", idea_id, {"state": "dispatched"}, {"state": "ready"}),
        ("variants", variant_id, {"status": "starting"}, {"status": "error"}),
    ):
        key = path.removesuffix("s") + "_id"
        assert id_ in [item[key] for item in await yard.get(f"v0:{path}", **matching)]
        assert id_ not in [item[key] for item in await yard.get(f"v0:{path}", **other)]
        await yard.refused("bad-request", "ann", "GET", f"v0:{path}", params=dict.fromkeys(matching, "bogus"))


async def test_an_optional_field_is_absent_and_never_null(yard: Yard) -> None:
    _, idea_id, variant_id = await yard.executing()
    task = await yard.see("task", await yard.task())
    assert task.keys() == {*yard.task_body(), "created_by"}
    assert (await yard.see("idea", idea_id)).keys() == {*yard.idea_body(), "created_by"}
    assert (await yard.see("variant", variant_id)).keys() == set(yard.variant_body(idea_id))
    assert (await yard.see("variant", variant_id))["parent_commits"] == [BASE] != [sha(1)]
