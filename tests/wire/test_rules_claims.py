"""Claims as the protocol has them: made in a fixed order of checks (§4.3), taken back (§4.6), lapsing by themselves."""

import asyncio
from typing import Any

import httpx
import pytest

from store_client.wire.scalars import parse_time
from tests.store.task_house import AT, ulid
from tests.wire.yard import ONE_WAY, Yard

LATER = "2099-01-01T00:00:00Z"


async def test_a_claim_answers_itself_and_holds_the_task(yard: Yard) -> None:
    task_id = await yard.task()
    await yard.told()
    claim = await yard.claim(task_id, expires_at=LATER)
    assert claim.keys() == {"worker_id", "claimed_at", "expires_at"}
    assert (claim["worker_id"], claim["expires_at"]) == (yard.store.id_of("bob"), LATER)
    task = await yard.see("task", task_id)
    assert (task["state"], task["claim"]) == ("claimed", claim)
    assert parse_time(task["updated_at"]) > parse_time(AT)
    data = {"task_id": task_id, "worker_id": yard.store.id_of("bob")}
    assert await yard.told() == [("task.claimed", data)]


async def test_any_worker_claims_any_kind(yard: Yard) -> None:
    for name in ("ann", "admins", "orchestrators"):
        assert (await yard.claim(await yard.task(), name))["worker_id"] == yard.store.id_of(name)


@ONE_WAY
@pytest.mark.parametrize(
    "body", [{"worker_id": "wkr_" + ulid(1)}, {"expires_at": None}, {"expires_at": "2099-01-01T00:00:00+01:00"}, []]
)
async def test_a_claim_says_nothing_but_when_it_expires(yard: Yard, body: Any) -> None:
    await yard.changes_nothing("bad-request", "ann", f"v0:tasks/{await yard.task()}/claim", body)


async def test_the_admin_bearer_claims_nothing(yard: Yard) -> None:
    task_id = await yard.task()
    for act, body in (("claim", {}), ("submit", {"payload": {}}), ("reclaim", {"cause": "operator"})):
        await yard.changes_nothing("forbidden", "admin", f"v0:tasks/{task_id}/{act}", body)


async def test_the_end_of_the_experiment_comes_before_every_other_check(yard: Yard) -> None:
    here = await yard.fresh()
    group = {"kind": "group", "id": "grp_" + ulid(1)}
    theirs, taken = await here.task(target=group), await here.task()
    await here.claim(taken)
    await here.post("v0:terminate", {"reason": ""}, "admins")
    for task_id in (theirs, taken):
        assert "terminated" in await here.refused("illegal-transition", "ann", "POST", f"v0:tasks/{task_id}/claim", {})


async def test_the_state_of_the_task_comes_before_its_target(yard: Yard) -> None:
    task_id = await yard.task(target={"kind": "worker", "id": yard.store.id_of("bob")})
    await yard.changes_nothing("worker-not-eligible", "ann", f"v0:tasks/{task_id}/claim", {})
    await yard.claim(task_id)
    await yard.changes_nothing("illegal-transition", "ann", f"v0:tasks/{task_id}/claim", {})
    await yard.changes_nothing("illegal-transition", "bob", f"v0:tasks/{task_id}/claim", {})  # not even one's own
    await yard.changes_nothing("not-found", "bob", "v0:tasks/nowhere/claim", {})


async def test_eligibility_is_judged_at_the_claim_through_nested_groups(yard: Yard) -> None:
    inner = await yard.post("v0:groups", {"members": [yard.store.id_of("ann")]}, "admin")
    outer = await yard.post("v0:groups", {"members": [inner["group_id"], "wkr_" + ulid(3)]}, "admin")
    target = {"kind": "group", "id": outer["group_id"]}
    first, second = await yard.task(target=target), await yard.task(target=target)
    await yard.changes_nothing("worker-not-eligible", "bob", f"v0:tasks/{first}/claim", {})
    await yard.claim(first, "ann")
    await yard.call("admin", "DELETE", f"v0:groups/{inner['group_id']}")
    await yard.changes_nothing("worker-not-eligible", "ann", f"v0:tasks/{second}/claim", {})
    await yard.post(f"v0:groups/{outer['group_id']}/members", {"member_id": yard.store.id_of("bob")}, "admin")
    await yard.claim(second, "bob")


async def test_of_forty_claims_at_once_one_wins(yard: Yard) -> None:
    task_id = await yard.task()
    names = ["ann", "bob", "eve", "admins"] * 10
    answers = await asyncio.gather(*(yard.call(name, "POST", f"v0:tasks/{task_id}/claim", {}) for name in names))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 39
    losers = {answer.json()["type"] for answer in answers if answer.status_code == 409}
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert losers == {"eden://error/illegal-transition"}
    assert (await yard.see("task", task_id))["claim"] == winner
    assert (await yard.types()).count("task.claimed") == 1


@pytest.mark.parametrize("cause", ["expired", "operator", "health_policy"])
async def test_anybody_takes_a_claim_back_for_any_cause(yard: Yard, cause: str) -> None:
    task_id = await yard.task()
    await yard.claim(task_id)
    await yard.told()
    await yard.reclaim(task_id, cause, "eve")
    assert await yard.told() == [("task.reclaimed", {"task_id": task_id, "cause": cause})]
    task = await yard.see("task", task_id)
    assert (task["state"], "claim" in task) == ("pending", False)
    await yard.changes_nothing("not-claimed", "bob", f"v0:tasks/{task_id}/submit", {"payload": {}})
    await yard.claim(task_id, "ann")


async def test_only_an_operator_takes_a_submission_back_and_it_is_gone(yard: Yard) -> None:
    task_id = await yard.task()
    await yard.claim(task_id)
    await yard.submit(task_id, idea_ids=[], status="success")
    for cause in ("expired", "health_policy"):
        await yard.changes_nothing("illegal-transition", "ann", f"v0:tasks/{task_id}/reclaim", {"cause": cause})
    await yard.reclaim(task_id)
    task = await yard.see("task", task_id)
    assert (task["state"], "claim" in task, "submitted_by" in task) == ("pending", False, False)
    await yard.refused("not-found", "ann", "GET", f"v0:tasks/{task_id}/submission")
    await yard.claim(task_id, "ann")
    await yard.submit(task_id, "ann", idea_ids=[], status="error")  # another result is no conflict any more


async def test_a_pending_or_ended_task_is_not_taken_back(yard: Yard) -> None:
    task_id = await yard.task()
    body = {"cause": "operator"}
    await yard.changes_nothing("illegal-transition", "ann", f"v0:tasks/{task_id}/reclaim", body)
    await yard.claim(task_id)
    await yard.submit(task_id, idea_ids=[], status="success")
    await yard.accept(task_id)
    await yard.changes_nothing("illegal-transition", "ann", f"v0:tasks/{task_id}/reclaim", body)
    await yard.changes_nothing("not-found", "ann", "v0:tasks/nowhere/reclaim", body)


@ONE_WAY
@pytest.mark.parametrize("body", [{}, {"cause": "boredom"}, {"cause": None}, {"cause": "operator", "by": "me"}])
async def test_a_reclaim_names_its_cause_and_nothing_else(yard: Yard, body: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "ann", f"v0:tasks/{await yard.task()}/reclaim", body)


async def test_a_reclaimed_execution_leaves_its_starting_variant_as_an_error(yard: Yard) -> None:
    task_id, idea_id, variant_id = await yard.executing()
    await yard.told()
    await yard.reclaim(task_id)
    assert sorted(await yard.types()) == ["task.reclaimed", "variant.errored"]
    variant = await yard.see("variant", variant_id)
    assert (variant["status"], "completed_at" in variant) == ("error", True)
    assert (await yard.see("idea", idea_id))["state"] == "dispatched"
    await yard.claim(task_id, "eve")
    again = await yard.variant(idea_id)
    assert (await yard.see("variant", again))["status"] == "starting"


async def test_a_reclaim_spares_the_baseline_though_it_names_the_idea(yard: Yard) -> None:
    here = await yard.fresh()
    task_id, idea_id, variant_id = await here.executing()
    baseline = here.baseline_body(idea_id=idea_id)
    await here.post("v0:variants", baseline, "orchestrators")
    await here.reclaim(task_id)
    assert (await here.see("variant", variant_id))["status"] == "error"
    assert (await here.see("variant", baseline["variant_id"]))["status"] == "starting"


async def test_a_reclaimed_ideation_or_evaluation_leaves_ideas_and_variants_alone(yard: Yard) -> None:
    ideation = await yard.task()
    await yard.claim(ideation, "ann")
    idea_id = await yard.idea(is_ready=False)
    variant_id = await yard.executed()
    before = await yard.see("variant", variant_id)
    evaluation = await yard.evaluating(variant_id)
    await yard.told()
    await yard.reclaim(ideation)
    await yard.reclaim(evaluation)
    assert await yard.types() == ["task.reclaimed"] * 2
    assert (await yard.see("idea", idea_id))["state"] == "drafting"
    assert await yard.see("variant", variant_id) == before


async def test_a_lapsed_claim_goes_back_by_itself_and_a_submitted_one_never(yard: Yard) -> None:
    """No loop of orchestrator or scheduler runs here: the server itself takes back what has lapsed."""
    lapsing, submitted, held = [await yard.task() for _ in range(3)]
    await yard.claim(submitted, expires_at=AT)
    done: httpx.Response = await yard.call(
        "bob", "POST", f"v0:tasks/{submitted}/submit", {"payload": {"idea_ids": [], "status": "success"}}
    )
    await yard.claim(lapsing, expires_at=AT)
    await yard.claim(held, expires_at=LATER)
    await yard.hears("task.reclaimed", task_id=lapsing, cause="expired")
    assert (await yard.see("task", lapsing))["state"] == "pending"
    assert (await yard.see("task", held))["state"] == "claimed"
    is_in_time = done.status_code == 200  # the sweep may have come between the claim and its submission
    assert (await yard.see("task", submitted))["state"] == ("submitted" if is_in_time else "pending")
