"""The experiment's own life on the wire: dispatch mode (§8.1), the end (§8.2, §4.8), reads (§8.3), faults (§8.4)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.store.task_house import sha
from tests.wire.yard import ONE_WAY, Yard

DEFAULTS = {
    "termination": "manual", "ideation_creation": "auto", "execution_dispatch": "auto", "evaluation_dispatch": "auto",
    "integration": "auto",
}  # fmt: skip
FAULT = {"policy_kind": "termination", "error_type": "ZeroDivisionError", "error_message": ""}


async def change(yard: Yard, body: dict[str, Any], name: str = "admins") -> Any:
    response = await yard.call(name, "PATCH", "v0:dispatch_mode", body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_dispatch_mode_has_five_keys_and_begins_with_the_configs(yard: Yard) -> None:
    assert await (await yard.fresh()).get("v0:dispatch_mode") == DEFAULTS
    configured = await yard.fresh(dispatch_mode={"integration": "manual"})
    assert await configured.get("v0:dispatch_mode", "admin") == DEFAULTS | {"integration": "manual"}


async def test_a_dispatch_mode_is_merged_and_told_once(yard: Yard) -> None:
    here = await yard.fresh()
    flip = {"termination": "auto", "integration": "auto"}
    assert await change(here, flip) == DEFAULTS | flip
    data = {"dispatch_mode": DEFAULTS | flip, "changed": {"termination": "auto"}}
    told = [("experiment.dispatch_mode_changed", data | {"updated_by": here.store.id_of("admins")})]
    assert await here.told() == told
    for nothing_new in (flip, {}):
        assert await change(here, nothing_new) == DEFAULTS | flip
    assert await here.told() == []


async def test_an_unknown_key_of_a_dispatch_mode_does_no_harm(yard: Yard) -> None:
    here = await yard.fresh()
    mode = await change(here, {"brewing": "auto", "integration": "manual"})
    assert {key: mode[key] for key in DEFAULTS} == DEFAULTS | {"integration": "manual"}


@ONE_WAY
@pytest.mark.parametrize(
    "body", [{"integration": "off"}, {"integration": True}, {"integration": None}, {"brewing": 7}, [], "auto"]
)
async def test_a_dispatch_mode_is_auto_or_manual(yard: Yard, body: Any) -> None:
    await yard.changes_nothing("bad-request", "admins", "v0:dispatch_mode", body, "PATCH")


async def test_only_admins_change_the_dispatch_mode_and_anybody_reads_it(yard: Yard) -> None:
    for name in ("ann", "orchestrators", "admin"):
        await yard.changes_nothing("forbidden", name, "v0:dispatch_mode", {"integration": "auto"}, "PATCH")
        assert (await yard.get("v0:dispatch_mode", name)).keys() >= DEFAULTS.keys()


async def test_no_call_is_refused_because_of_the_mode(yard: Yard) -> None:
    here = await yard.fresh(dispatch_mode=dict.fromkeys(DEFAULTS, "manual"))
    variant_id = await here.evaluated(accuracy=1)
    await here.post(f"v0:variants/{variant_id}/integrate", {"variant_commit_sha": sha(1)}, "orchestrators")
    ended = await here.post("v0:terminate", {"reason": "by hand"}, "orchestrators")
    assert ended["state"] == "terminated"


async def test_an_experiment_ends_once_and_keeps_its_first_reason(yard: Yard) -> None:
    here = await yard.fresh()
    before = await here.get("v0:")
    assert before["state"] == "running"
    ended = await here.post("v0:terminate", {"reason": ""}, "orchestrators")
    assert ended == before | {"state": "terminated"}
    again = await here.post("v0:terminate", {"reason": "later"}, "admins")
    assert again == await here.get("v0:") == ended
    by = {"reason": "", "terminated_by": here.store.id_of("orchestrators")}
    assert await here.told() == [("experiment.terminated", by)]


async def test_of_many_ends_at_once_one_is_told(yard: Yard) -> None:
    here = await yard.fresh()
    ends = [here.post("v0:terminate", {"reason": str(number)}, "admins") for number in range(20)]
    assert {answer["state"] for answer in await asyncio.gather(*ends)} == {"terminated"}
    assert await here.types() == ["experiment.terminated"]


@ONE_WAY
@pytest.mark.parametrize("body", [{}, {"reason": None}, {"reason": 1}, {"reason": "", "by": "me"}])
async def test_an_end_names_its_reason_and_nothing_else(yard: Yard, body: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "admins", "v0:terminate", body)


async def test_only_admins_and_orchestrators_end_an_experiment(yard: Yard) -> None:
    for name in ("ann", "admin"):
        await yard.changes_nothing("forbidden", name, "v0:terminate", {"reason": ""})


async def test_after_the_end_nothing_begins_and_what_is_under_way_is_finished(yard: Yard) -> None:
    here = await yard.fresh()
    accepted, rejected, reclaimed, pending = [await here.task() for _ in range(4)]
    for task_id in (accepted, rejected, reclaimed):
        await here.claim(task_id)
    success, idea_id = await here.evaluated(accuracy=1), await here.idea()
    await here.post("v0:terminate", {"reason": "done"}, "admins")
    await here.told()
    for kind, subject in (("ideation", ""), ("execution", idea_id), ("evaluation", "nowhere")):
        for name in ("admins", "orchestrators"):
            await here.changes_nothing("illegal-transition", name, "v0:tasks", here.task_body(kind, subject))
    assert (await here.see("idea", idea_id))["state"] == "ready"
    await here.submit(accepted, idea_ids=[], status="success")
    await here.submit(rejected, idea_ids=[], status="error")
    await here.accept(accepted)
    await here.reject(rejected)
    await here.reclaim(reclaimed)
    for task_id in (pending, reclaimed):
        await here.changes_nothing("illegal-transition", "ann", f"v0:tasks/{task_id}/claim", {})
    body = {"new_target": None, "reason": "still allowed"}
    await here.post(f"v0:tasks/{pending}/reassign", body, "admins")
    await here.idea()
    await here.post("v0:variants", here.variant_body(idea_id), "bob")
    await here.post(f"v0:variants/{success}/integrate", {"variant_commit_sha": sha(1)}, "orchestrators")
    await here.post("v0:workers", {"name": "late"}, "admin")
    assert (await here.see("variant", success))["variant_commit_sha"] == sha(1)


async def test_an_end_and_an_integration_at_once_both_happen_once(yard: Yard) -> None:
    here = await yard.fresh()
    variant_id = await here.evaluated(accuracy=1)
    await here.told()
    commit = {"variant_commit_sha": sha(1)}
    await asyncio.gather(
        *(here.post(f"v0:variants/{variant_id}/integrate", commit, "orchestrators") for _ in range(5)),
        *(here.post("v0:terminate", {"reason": "race"}, "admins") for _ in range(5)),
    )
    assert sorted(await here.types()) == ["experiment.terminated", "variant.integrated"]
    assert (await here.get("v0:state"), (await here.see("variant", variant_id))["variant_commit_sha"]) == (
        {"state": "terminated"}, sha(1)
    )  # fmt: skip


async def test_the_runtime_object_says_what_is_known_and_null_only_for_its_origin(yard: Yard, tmp_path: Path) -> None:
    here = await yard.fresh()
    assert await here.get("v0:state", "admin") == {"state": "running"}
    runtime = await here.get("v0:")
    assert runtime.keys() == {"experiment_id", "name", "state", "created_at", "imported_from"}
    assert (runtime["experiment_id"], runtime["imported_from"]) == (here.store.experiment_id, None)
    (tmp_path / "model.py").write_text("print(1)\n")
    seeded = await (await yard.fresh(seed=tmp_path)).get("v0:")
    assert seeded.keys() == runtime.keys() | {"base_commit_sha"}


async def test_a_baseline_is_the_base_commit_where_there_is_one(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("print(1)\n")
    here = await yard.fresh(seed=tmp_path)
    base = (await here.get("v0:"))["base_commit_sha"]
    foreign = here.baseline_body(commit_sha=sha(1), parent_commits=[sha(1)])
    await here.changes_nothing("invalid-precondition", "orchestrators", "v0:variants", foreign)
    own = here.baseline_body(commit_sha=base, parent_commits=[base])
    assert await here.post("v0:variants", own, "orchestrators") == own


async def test_a_policys_fault_is_kept_in_the_log(yard: Yard) -> None:
    response = await yard.call("orchestrators", "POST", "v0:policy-errors", FAULT)
    assert (response.status_code, response.content) == (204, b"")
    assert await yard.told() == [("experiment.policy_error", FAULT)]
    for name in ("ann", "admins", "admin"):
        await yard.changes_nothing("forbidden", name, "v0:policy-errors", FAULT)


@ONE_WAY
@pytest.mark.parametrize(
    "changes", [{"policy_kind": ""}, {"error_type": ""}, {"error_message": None}, {"error_type": 1}, {"extra": "x"}]
)
async def test_a_policys_fault_has_three_parts_and_nothing_else(yard: Yard, changes: dict[str, Any]) -> None:
    await yard.changes_nothing("bad-request", "orchestrators", "v0:policy-errors", FAULT | changes)
    missing = {key: value for key, value in FAULT.items() if key not in changes}
    if "extra" not in changes:
        await yard.changes_nothing("bad-request", "orchestrators", "v0:policy-errors", missing)
