"""Nothing is visible before its event, and what belongs together is seen together (protocol §3.7, §4.1, §6.3)."""

import asyncio
from collections import Counter

from tests.store.replay import Replay
from tests.store.task_house import sha
from tests.wire.yard import Yard

TOLD = {
    "pending": "task.created",
    "claimed": "task.claimed",
    "submitted": "task.submitted",
    "completed": "task.completed",
}
WALKS = 6


async def walk(here: Yard, name: str) -> None:
    """One idea from its draft to its success."""
    idea_id = await here.idea()
    execution = await here.task("execution", idea_id)
    await here.claim(execution, name)
    variant_id = await here.variant(idea_id)
    await here.submit(execution, name, variant_id=variant_id, status="success", commit_sha=sha(1))
    await here.accept(execution)
    evaluation = await here.task("evaluation", variant_id)
    await here.claim(evaluation, name)
    await here.submit(evaluation, name, variant_id=variant_id, status="success", evaluation={"accuracy": 1})
    await here.accept(evaluation)


async def watch(here: Yard, walking: "asyncio.Future[list[None]]") -> int:
    """Read tasks, then the log, again and again: the log is never behind; how often something was under way."""
    seen = 0
    while not walking.done():
        tasks = await here.get("v0:tasks")
        events = (await here.get("v0:events"))["events"]
        told = {(event["data"]["task_id"], event["type"]) for event in events if "task_id" in event["data"]}
        assert {(task["task_id"], TOLD[task["state"]]) for task in tasks} <= told
        counts = Counter(event["type"] for event in events)
        kinds = Counter(event["data"]["kind"] for event in events if event["type"] == "task.created")
        assert kinds["execution"] == counts["idea.dispatched"]
        assert counts["idea.completed"] + counts["variant.succeeded"] == counts["task.completed"]
        seen += 0 < counts["task.completed"] < 2 * WALKS
    return seen


async def test_no_reader_sees_a_state_before_its_event_or_half_a_commit(yard: Yard) -> None:
    here = await yard.fresh()
    walking = asyncio.gather(*(walk(here, name) for name in ("ann", "bob", "eve") * (WALKS // 3)))
    watched = await asyncio.gather(*(watch(here, walking) for _ in range(2)))
    await walking
    assert sum(watched) > 0


async def test_the_log_alone_rebuilds_every_state(yard: Yard) -> None:
    here = await yard.fresh()
    await asyncio.gather(*(walk(here, name) for name in ("ann", "bob", "eve")))
    _, _, abandoned = await here.executing()
    await here.post("v0:terminate", {"reason": "enough"}, "admins")
    replay = Replay(dispatch_mode=await here.get("v0:dispatch_mode"))
    for type_, data in await here.told():
        replay.apply(type_, data)
    states = {("task", task["task_id"]): task["state"] for task in await here.get("v0:tasks")}
    states |= {("idea", idea["idea_id"]): idea["state"] for idea in await here.get("v0:ideas")}
    variants = await here.get("v0:variants")
    states |= {("variant", variant["variant_id"]): variant["status"] for variant in variants}
    assert replay.states == states
    assert replay.state == (await here.get("v0:state"))["state"] == "terminated"
    assert states["variant", abandoned] == "starting"
