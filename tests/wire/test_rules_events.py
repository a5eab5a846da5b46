"""Events as the protocol has them (§6): what each act tells, in one order for all, from the first to the last."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.store.task_house import BASE, sha
from tests.wire.live import Servers, settle
from tests.wire.yard import ONE_WAY, Yard

SOON = 60.0
CROWD = 150
"""More who wait than any server has threads."""
Event = dict[str, Any]


async def replayed(yard: Yard, step: int | None = None) -> list[Event]:
    """Every event of the experiment, from the first; with a step, only so many of each batch are taken."""
    events: list[Event] = []
    while True:
        batch = await yard.get("v0:events", cursor=len(events))
        assert batch.keys() == {"events", "cursor"}
        assert batch["cursor"] == len(events) + len(batch["events"])
        if not batch["events"]:
            return events
        events += batch["events"][:step]


async def whole_day(yard: Yard) -> dict[str, str]:
    """Do everything of which the protocol tells; the ids of those who took part."""
    variant = await yard.evaluated(accuracy=1)
    await yard.post(f"v0:variants/{variant}/integrate", {"variant_commit_sha": sha(9)}, "orchestrators")
    failed, idea, errored = await yard.executing()
    await yard.submit(failed, variant_id=errored, status="error")
    await yard.reject(failed)
    hopeless = await yard.executed()
    await yard.post(f"v0:variants/{hopeless}/declare-evaluation-error", name="bob")
    baseline = yard.baseline_body()
    await yard.post("v0:variants", baseline, "orchestrators")
    moved = await yard.task()
    await yard.claim(moved)
    await yard.post(f"v0:tasks/{moved}/reassign", {"new_target": None, "reason": "for all"}, "admins")
    fault = {"policy_kind": "p", "error_type": "e", "error_message": ""}
    assert (await yard.call("orchestrators", "POST", "v0:policy-errors", fault)).status_code == 204
    patched = await yard.call("admins", "PATCH", "v0:dispatch_mode", {"integration": "manual"})
    assert patched.status_code == 200
    await yard.post("v0:terminate", {"reason": "done"}, "admins")
    named = {
        "variant": variant,
        "errored": errored,
        "hopeless": hopeless,
        "moved": moved,
        "failed": failed,
        "idea": idea,
    }
    return named | {"baseline": str(baseline["variant_id"])}


def by_type(yard: Yard, events: list[Event]) -> dict[str, list[Event]]:
    """The data of the events of each type, all of which have the envelope."""
    told: dict[str, list[Event]] = {}
    for event in events:
        assert event.keys() == {"event_id", "type", "occurred_at", "experiment_id", "data"}
        assert event["experiment_id"] == yard.store.experiment_id
        told.setdefault(event["type"], []).append(event["data"])
    return told


@pytest.mark.parametrize("door", ["in_process-sqlite", "live-postgresql"], indirect=True, scope="session")
async def test_every_registered_type_is_told_with_its_data(yard: Yard) -> None:
    own = await yard.fresh()
    ids = await whole_day(own)
    told = by_type(own, await replayed(own))
    assert told.keys() == {
        *(
            f"task.{act}"
            for act in ["created", "claimed", "submitted", "completed", "failed", "reclaimed", "reassigned"]
        ),
        *(f"idea.{act}" for act in ["drafted", "ready", "dispatched", "completed"]),
        *(f"variant.{act}" for act in ["started", "succeeded", "errored", "evaluation_errored", "integrated"]),
        *(f"experiment.{act}" for act in ["dispatch_mode_changed", "terminated", "policy_error"]),
    }
    assert {"task_id": ids["failed"], "reason": "worker_error"}.items() <= told["task.failed"][0].items()
    assert {"task_id": ids["moved"], "cause": "operator"}.items() <= told["task.reclaimed"][0].items()
    (reassigned,) = told["task.reassigned"]
    wanted = {
        "task_id": ids["moved"],
        "new_target": None,
        "reason": "for all",
        "reassigned_by": own.store.id_of("admins"),
    }
    assert wanted.items() <= reassigned.items()
    assert {"variant_id": ids["variant"], "variant_commit_sha": sha(9)}.items() <= told["variant.integrated"][0].items()
    assert {"variant_id": ids["variant"], "commit_sha": sha(1)}.items() <= told["variant.succeeded"][0].items()
    assert told["variant.errored"][0]["variant_id"] == ids["errored"]
    assert told["variant.evaluation_errored"][0]["variant_id"] == ids["hopeless"]
    started = {each["variant_id"]: each for each in told["variant.started"]}
    assert "idea_id" not in started[ids["baseline"]]
    assert started[ids["baseline"]]["kind"] == "baseline"
    assert started[ids["errored"]]["idea_id"] == ids["idea"]
    assert "kind" not in started[ids["errored"]]
    (changed,) = told["experiment.dispatch_mode_changed"]
    assert changed["changed"] == {"integration": "manual"}
    assert len(changed["dispatch_mode"]) == 5
    (ended,) = told["experiment.terminated"]
    assert {"reason": "done", "terminated_by": own.store.id_of("admins")}.items() <= ended.items()
    (error,) = told["experiment.policy_error"]
    assert {"policy_kind": "p", "error_type": "e", "error_message": ""}.items() <= error.items()


async def test_an_order_is_the_same_for_all_readers_and_no_id_comes_twice(yard: Yard) -> None:
    own = await yard.fresh()
    ideas = await asyncio.gather(*(own.idea() for _ in range(8)))
    whole = await replayed(own)
    for step in (1, 3, None):
        assert await replayed(own, step) == whole
    assert len({event["event_id"] for event in whole}) == len(whole) == 2 * len(ideas)
    admin = await own.get("v0:events", "admin", cursor=4)
    assert admin["events"] == whole[4:]
    for idea in ideas:
        mine = [event["type"] for event in whole if event["data"]["idea_id"] == idea]
        assert mine == ["idea.drafted", "idea.ready"], "a cause comes after its effect"


async def test_what_belongs_together_comes_before_what_depends_on_it(yard: Yard) -> None:
    await yard.told()
    task_id, idea_id, variant_id = await yard.executing()
    await yard.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
    await yard.accept(task_id)
    evaluation = await yard.evaluating(variant_id)
    told = await yard.told()
    places = {
        (type_, str(data[key])): place
        for place, (type_, data) in enumerate(told)
        for key in ("task_id", "idea_id", "variant_id")
        if key in data
    }
    story = [
        ("idea.ready", idea_id), ("task.created", task_id), ("task.claimed", task_id), ("variant.started", variant_id),
        ("task.submitted", task_id), ("task.completed", task_id), ("task.created", evaluation),
    ]  # fmt: skip
    assert all(places[before] < places[after] for before, after in pairwise(story))
    assert places["task.claimed", task_id] > places["idea.dispatched", idea_id] > places["idea.ready", idea_id]
    assert places["task.created", evaluation] > places["idea.completed", idea_id] > places["task.submitted", task_id]


@ONE_WAY
async def test_the_log_is_whole_after_the_end_and_however_long_it_is(yard: Yard) -> None:
    own = await yard.fresh()
    modes = ("manual", "auto")
    for number in range(250):
        changed = await own.call("admins", "PATCH", "v0:dispatch_mode", {"integration": modes[number % 2]})
        assert changed.status_code == 200
    await own.post("v0:terminate", {"reason": "done"}, "admins")
    events = await replayed(own)
    assert len(events) == 251
    assert events[0]["data"]["changed"] == {"integration": "manual"}
    assert events[-1]["type"] == "experiment.terminated"


async def test_reads_refusals_uploads_and_repetitions_tell_nothing(yard: Yard) -> None:
    variant = await yard.evaluated(accuracy=1)
    integration = {"variant_commit_sha": sha(3)}
    await yard.post(f"v0:variants/{variant}/integrate", integration, "orchestrators")
    task_id = await yard.task()
    await yard.claim(task_id)
    await yard.submit(task_id, idea_ids=[], status="success")
    await yard.told()
    await yard.submit(task_id, idea_ids=[], status="success")
    await yard.post(f"v0:variants/{variant}/integrate", integration, "orchestrators")
    await yard.refused("illegal-transition", "orchestrators", "POST", f"v0:tasks/{task_id}/claim", {})
    await yard.call("bob", "POST", "v0:artifacts", files={"file": ("f", b"bytes", "x/y")})
    await yard.get("v0:tasks")
    assert await yard.told() == []


@ONE_WAY
async def test_nobody_writes_into_the_log(yard: Yard) -> None:
    event = {"type": "task.created", "data": {"task_id": "t", "kind": "ideation"}}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("v0:events", "v0:events/subscribe"):
            await yard.changes_nothing("not-found", "admin", path, event, method)


async def test_other_happenings_have_no_place_in_the_protocols_log(yard: Yard) -> None:
    """Workers come and go under `/api` alone; the cursor counts without a gap."""
    own = await yard.fresh()
    header = own.headers("admin")
    await own.idea()
    made = await own.http.post(f"{own.v0}/workers", json={"name": "new"}, headers=header)
    assert made.status_code == 200
    await own.idea()
    assert [event["type"].partition(".")[0] for event in await replayed(own)] == ["idea"] * 4
    page = await own.get("api:events", after=0, limit=1000)
    assert "worker.registered" in [event["type"] for event in page["events"]]
    positions = [event["position"] for event in page["events"]]
    assert positions == sorted(set(positions))


async def test_a_cursor_counts_what_its_reader_has_seen(yard: Yard) -> None:
    own = await yard.fresh()
    assert await own.get("v0:events") == {"events": [], "cursor": 0}
    await own.idea()
    whole = await own.get("v0:events")
    assert whole["cursor"] == 2
    assert await own.get("v0:events", cursor=0) == whole
    assert await own.get("v0:events", cursor=1) == {"events": whole["events"][1:], "cursor": 2}
    for end in (2, 3, 10**9):
        assert await own.get("v0:events", cursor=end) == {"events": [], "cursor": end}
    assert await own.get("v0:events/subscribe", cursor=0) == whole
    assert await own.get("v0:events/subscribe", cursor=1) == {"events": whole["events"][1:], "cursor": 2}
    for wrong in ("-1", "x", "1.5", "1e3", str(10**30)):
        for path in ("v0:events", "v0:events/subscribe"):
            await own.refused("bad-request", "ann", "GET", path, params={"cursor": wrong})


async def test_a_crowd_that_waits_leaves_others_alone_and_hears_all_at_once(yard: Yard) -> None:
    """Nobody who waits holds a thread, and one commit answers everybody with the same batch."""
    own, other = await yard.fresh(), await yard.fresh()
    async with asyncio.timeout(2 * SOON), asyncio.TaskGroup() as group:
        waiting = [group.create_task(own.get("v0:events/subscribe")) for _ in range(CROWD)]
        assert await other.get("v0:state") == {"state": "running"}
        await other.idea()
        for _ in range(5):
            assert await own.get("v0:tasks") == []
        assert not any(each.done() for each in waiting)
        await own.post("v0:ideas", own.idea_body(parent_commits=[BASE]))
    (batch,) = {str(each.result()) for each in waiting}
    assert "idea.drafted" in batch


async def test_who_waits_at_one_server_hears_at_once_what_another_commits(replicas: Servers) -> None:
    async with replicas.client() as http:
        app = await settle(http)
        yard = Yard(app.store, http)
        waits = []
        for number in range(10):
            async with httpx.AsyncClient(base_url=replicas.urls[0], timeout=60) as first:
                subscribe = first.get(f"{yard.v0}/events/subscribe?cursor={number}", headers=yard.headers("ann"))
                waiting = asyncio.create_task(subscribe)
                await first.get(f"{yard.v0}/state", headers=yard.headers("ann"))
                async with httpx.AsyncClient(base_url=replicas.urls[1], timeout=60) as second:
                    body = yard.idea_body()
                    assert (await second.post(f"{yard.v0}/ideas", json=body, headers=yard.headers("ann"))).is_success
                    began = asyncio.get_running_loop().time()
                    batch = (await asyncio.wait_for(waiting, SOON)).json()
                    waits.append(asyncio.get_running_loop().time() - began)
            assert [event["data"]["idea_id"] for event in batch["events"]] == [body["idea_id"]]
    assert sorted(waits)[len(waits) // 2] < 0.5, f"they waited for the look that comes once a second: {waits}"
