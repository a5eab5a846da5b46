"""Our reading calls say the same of an experiment, whether the server answers them or its client does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from store_client.client import StoreClient
from store_client.credentials import FileBearer, StaticBearer
from store_client.errors import Unauthorized, Unreachable
from store_client.transport import Transport
from store_client.wire.calls.boards import LeaderboardQuery
from store_client.wire.experiments import ExperimentDetail
from store_client.wire.ideas import IdeaState
from store_client.wire.record import Record
from store_client.wire.tasks import KINDS, TaskState
from store_client.wire.variants import VariantStatus
from tests.peers import only_the_protocol
from tests.runner.houses import PATIENCE, House, config, running

EVALUATE = """if [ -e idea.txt ] && grep -q '[02468]$' idea.txt
then printf '{"status": "success", "evaluation": {"score": 2}}' >"$EDEN_OUTPUT"
else printf '{"status": "error", "description": "odd"}' >"$EDEN_OUTPUT"; fi"""
IDEATE = """read request
for n in 1 2 3 4; do printf '{"event": "idea", "slug": "try-%s", "priority": %s, "content": "%s"}\\n' $n $n $n; done
printf '{"event": "ideation-done"}\\n'"""
TOLD = {
    "experiment_id", "name", "status", "objective", "metric", "baseline", "best", "best_variant_id", "counts",
    "created_at", "base_commit_sha", "dispatch_mode", "parallel_variants", "evaluation_schema",
}  # fmt: skip
UNTOLD = {"latest_job_id", "last_seen_at", "is_service", "slug", "automation", "updated_at", "git_url", "registered_by"}
"""What only our own server knows, or knows better."""


class Counting(httpx.AsyncBaseTransport):
    """Notes which paths are asked."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.paths: list[str] = []
        self.asked = asyncio.Event()
        self.is_cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut and "/tasks/" in request.url.path:
            raise httpx.ReadError("cut", request=request)
        if request.url.path.endswith("/subscribe"):
            self.asked.set()
        self.paths.append(request.url.path.partition("/experiments/")[2].partition("/")[2] or request.url.path)
        return await self._inner.handle_async_request(request)


@asynccontextmanager
async def told_twice(house: House, experiment: ExperimentDetail) -> AsyncIterator[tuple[StoreClient, Counting]]:
    """The experiment as a peer tells it, and what it was asked."""
    app = house.wire.inner.app  # type: ignore[attr-defined] # it is an ASGITransport
    counting = Counting(httpx.ASGITransport(only_the_protocol(app)))
    transport = Transport("http://peer", PATIENCE, counting, configs={experiment.experiment_id: config()})
    bearer = FileBearer(house.data / "admin-token", "admin")
    yield StoreClient(transport, bearer, experiment.experiment_id), counting
    await transport.aclose()


async def finished(house: House) -> ExperimentDetail:
    """An experiment with a past: a baseline, two variants integrated and two that failed."""
    experiment = await house.experiment("told", ideation_command=IDEATE, evaluation_command=EVALUATE)
    store = house.store(experiment)

    async def is_over() -> bool:
        counts = (await store.read_experiment_detail()).counts
        return counts.variants == 5 and counts.starting == 0 and counts.integrated == 2

    async with running(house.automation()):
        await house.until(is_over)
    return experiment


def told(answer: Any) -> Any:
    """An answer without what a peer cannot tell, and without the names of places in a list."""
    if isinstance(answer, Record):
        return told(answer.model_dump())
    if isinstance(answer, dict):
        return {key: told(value) for key, value in answer.items() if key not in UNTOLD and key != "next"}
    return [told(item) for item in answer] if isinstance(answer, list | tuple) else answer


async def whole(listed: Callable[..., Awaitable[Any]], **asked: Any) -> list[Any]:
    """Every page of a list, two items each, with its total."""
    pages = [await listed(**asked, limit=2)]
    while pages[-1].next is not None:
        pages.append(await listed(**asked, limit=2, after=pages[-1].next))
    return [told(page) for page in pages]


async def test_a_peer_tells_the_same_as_our_own_server(house: House) -> None:
    experiment = await finished(house)
    ours = house.store(experiment)
    async with told_twice(house, experiment) as (peer, _):
        await _lists_are_the_same(peer, ours)
        await _details_are_the_same(peer, ours)
        found, wanted = told(await peer.read_experiment_detail()), told(await ours.read_experiment_detail())
        assert {key: found[key] for key in TOLD} == {key: wanted[key] for key in TOLD}
        await _log_is_read_both_ways(peer)


def differences(first: Any, second: Any, place: str = "") -> list[str]:
    """Where two answers differ."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [found for key in first for found in differences(first[key], second[key], f"{place}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [found for number, (one, other) in pairs for found in differences(one, other, f"{place}.{number}")]
    return [] if first == second else [f"{place}: {first!r} is not {second!r}"]


async def _lists_are_the_same(peer: StoreClient, ours: StoreClient) -> None:
    for kind in (None, *KINDS):
        for state in (None, *TaskState):
            asked = {"kind": kind, "state": state}
            assert (
                differences(await whole(peer.list_task_page, **asked), await whole(ours.list_task_page, **asked)) == []
            )
    for idea_state in (None, *IdeaState):
        ideas = {"state": idea_state}
        assert differences(await whole(peer.list_idea_page, **ideas), await whole(ours.list_idea_page, **ideas)) == []
    for status in (None, *VariantStatus):
        for order in ("newest", "best"):
            variants = {"status": status, "order": order}
            assert (
                differences(
                    await whole(peer.list_variant_page, **variants), await whole(ours.list_variant_page, **variants)
                )
                == []
            )


async def _details_are_the_same(peer: StoreClient, ours: StoreClient) -> None:
    for task in await ours.list_tasks():
        assert told(await peer.read_task_detail(task.task_id)) == told(await ours.read_task_detail(task.task_id))
    for idea in await ours.list_ideas():
        assert told(await peer.read_idea_detail(idea.idea_id)) == told(await ours.read_idea_detail(idea.idea_id))
    for variant in await ours.list_variants():
        found = await peer.read_variant_detail(variant.variant_id)
        assert told(found) == told(await ours.read_variant_detail(variant.variant_id))
    assert told(await peer.read_progress()) == told(await ours.read_progress())
    assert told(await peer.read_course()) == told(await ours.read_course())
    assert told(await peer.read_sample()) == told(await ours.read_sample())
    waiting, wanted = told(await peer.read_stages()), told(await ours.read_stages())
    assert waiting["stages"] == wanted["stages"]  # who was heard of lately the protocol does not tell
    for sort in ("number", "objective", "metric:nothing"):
        for is_ascending in (False, True):
            query = LeaderboardQuery(sort=sort, is_ascending=is_ascending, limit=500)
            listed = [one.variant_id for one in (await peer.list_leaderboard(query)).items]
            assert listed == [one.variant_id for one in (await ours.list_leaderboard(query)).items]
    assert told(await peer.list_worker_details()) == told(await ours.list_worker_details())
    assert told(await peer.list_group_details()) == told(await ours.list_group_details())
    for group in (await ours.list_groups()).groups:
        found = told(await peer.read_group_detail(group.group_id))
        assert found == told(await ours.read_group_detail(group.group_id))


async def _log_is_read_both_ways(peer: StoreClient) -> None:
    everything = (await peer.read_log(after=0, limit=1000)).events
    assert [event.position for event in everything] == list(range(1, len(everything) + 1))
    newest = await peer.read_log(is_newest_first=True, limit=3)
    older = await peer.read_log(after=newest.cursor, is_newest_first=True, limit=3)
    assert (*newest.events, *older.events) == everything[:-7:-1]
    middle = await peer.read_log(after=5, limit=4)
    assert (middle.events, middle.cursor) == (everything[5:9], 9)


async def test_only_news_is_read_after_the_first_question(house: House) -> None:
    experiment = await house.experiment("followed", ideation_policy={"kind": "fixed_total", "total": 2})
    await house.until(lambda: has_tasks(house.store(experiment), 3))
    worker = await worker_of(house, experiment)
    async with told_twice(house, experiment) as (peer, counting):
        task = (await peer.list_task_page("ideation")).items[0]
        counting.paths.clear()
        await peer.list_variant_page()
        await peer.list_idea_page()
        assert counting.paths == ["events", "events"]
        await worker.claim_task(task.task_id)
        counting.paths.clear()
        assert (await peer.read_task_detail(task.task_id)).state is TaskState.CLAIMED
        assert [path for path in counting.paths if path != "events"] == [f"tasks/{task.task_id}"]


async def test_what_could_not_be_read_is_read_the_next_time(house: House) -> None:
    experiment = await house.experiment("cut")
    await house.until(lambda: has_tasks(house.store(experiment), 2))
    worker = await worker_of(house, experiment)
    async with told_twice(house, experiment) as (peer, counting):
        task = (await peer.list_task_page("ideation")).items[0]
        await worker.claim_task(task.task_id)
        counting.is_cut = True
        with pytest.raises(Unreachable):
            await peer.list_task_page()
        counting.is_cut = False
        assert (await peer.list_task_page("ideation")).items[0].state is TaskState.CLAIMED


async def test_a_stranger_is_told_nothing_that_others_have_asked(house: House) -> None:
    experiment = await house.experiment("private")
    async with told_twice(house, experiment) as (peer, _):
        await peer.list_task_page()
        stranger = StoreClient(peer.transport, StaticBearer("admin", "wrong"), experiment.experiment_id)
        for ask in (stranger.list_task_page, stranger.read_progress, stranger.list_worker_details, stranger.read_log):
            with pytest.raises(Unauthorized):
                await ask()


async def test_a_reader_of_the_log_is_told_when_something_happens(house: House) -> None:
    experiment = await house.experiment("told")
    await house.until(lambda: has_tasks(house.store(experiment), 2))
    worker = await worker_of(house, experiment)
    async with told_twice(house, experiment) as (peer, counting):
        tip = await peer.read_log()
        assert tip.events == ()
        assert (await peer.read_log(after=tip.cursor, wait_seconds=0.05)).events == ()
        waiting = asyncio.create_task(peer.read_log(after=tip.cursor, wait_seconds=30))
        await counting.asked.wait()
        await worker.claim_task((await peer.list_task_page("ideation")).items[0].task_id)
        assert [event.type for event in (await waiting).events] == ["task.claimed"]


async def has_tasks(store: StoreClient, number: int) -> bool:
    return len(await store.list_tasks()) == number


async def worker_of(house: House, experiment: ExperimentDetail) -> StoreClient:
    made = await house.store(experiment).register_worker("ada")
    bearer = StaticBearer(made.worker_id, made.registration_token)
    return house.deployment.store(experiment.experiment_id, bearer)
