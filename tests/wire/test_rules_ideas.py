"""Ideas as the protocol has them (§3.3, §5.1)."""

from typing import Any

import pytest

from tests.store.task_house import BASE, sha, ulid
from tests.wire.yard import ONE_WAY, Yard


async def test_an_idea_answers_as_it_was_written_and_is_its_authors(yard: Yard) -> None:
    group = {"kind": "group", "id": "grp_" + ulid(1)}
    body = yard.idea_body(slug="0-warm-up", parent_commits=[BASE, sha(1) + "0" * 24], intended_executor=group)
    drafted = await yard.post("v0:ideas", body | {"created_by": yard.store.id_of("bob"), "extra": 1})
    drafted.pop("warnings", None)
    assert drafted == body | {"created_by": yard.store.id_of("ann")}
    assert await yard.told() == [("idea.drafted", {"idea_id": body["idea_id"]})]
    assert await yard.see("idea", body["idea_id"]) == drafted
    assert drafted in await yard.get("v0:ideas", state="drafting")


async def test_a_slug_may_repeat_and_is_remarked_on(yard: Yard) -> None:
    slug = yard.new("slug")
    first = await yard.post("v0:ideas", yard.idea_body(slug=slug))
    second = await yard.post("v0:ideas", yard.idea_body(slug=slug))
    assert "warnings" not in first
    assert all(isinstance(one, str) for one in second["warnings"])
    assert (await yard.see("idea", second["idea_id"]))["slug"] == slug


async def test_an_id_is_taken_once(yard: Yard) -> None:
    body = yard.idea_body(idea_id=await yard.idea())
    await yard.changes_nothing("already-exists", "bob", "v0:ideas", body)


@ONE_WAY
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "ready"}, {"experiment_id": "exp_" + ulid(9)}, {"slug": "Up"}, {"slug": "-a"}, {"priority": True},
        {"priority": "1"}, {"parent_commits": []}, {"parent_commits": ["HEAD"]}, {"artifacts_uri": "no uri"},
        {"idea_id": ""}, {"intended_evaluator": None}, {"intended_executor": {"kind": "group", "id": "wkr_" + ulid(1)}},
        {"created_at": "now"}, {"slug": None},
    ],
)  # fmt: skip
async def test_an_idea_that_is_none_is_a_bad_request(yard: Yard, changes: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "ann", "v0:ideas", yard.idea_body() | changes)


async def test_any_worker_marks_a_drafting_idea_ready_once(yard: Yard) -> None:
    idea_id = await yard.idea(is_ready=False)
    before = await yard.see("idea", idea_id)
    await yard.told()
    assert await yard.post(f"v0:ideas/{idea_id}/mark-ready", name="bob") == before | {"state": "ready"}
    assert await yard.told() == [("idea.ready", {"idea_id": idea_id})]
    await yard.changes_nothing("illegal-transition", "ann", f"v0:ideas/{idea_id}/mark-ready")
    await yard.changes_nothing("not-found", "ann", "v0:ideas/nowhere/mark-ready")
    _, dispatched, _ = await yard.executing()
    await yard.changes_nothing("illegal-transition", "ann", f"v0:ideas/{dispatched}/mark-ready")


async def test_the_admin_bearer_drafts_nothing(yard: Yard) -> None:
    await yard.changes_nothing("forbidden", "admin", "v0:ideas", yard.idea_body())
    await yard.changes_nothing("forbidden", "admin", f"v0:ideas/{await yard.idea(is_ready=False)}/mark-ready")


async def test_submitting_and_accepting_an_ideation_moves_no_idea(yard: Yard) -> None:
    listed, unlisted, task_id = await yard.idea(), await yard.idea(is_ready=False), await yard.task()
    await yard.claim(task_id)
    await yard.submit(task_id, idea_ids=[listed], status="success")
    await yard.accept(task_id)
    assert (await yard.see("idea", listed))["state"] == "ready"
    assert (await yard.see("idea", unlisted))["state"] == "drafting"
    await yard.changes_nothing("invalid-precondition", "admins", "v0:tasks", yard.task_body("execution", unlisted))
