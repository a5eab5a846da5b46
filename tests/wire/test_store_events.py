"""Events over HTTP: by the protocol's cursor, and by position in our joint log; waiting ends when one comes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from control_plane.db.identities import Issue, Keys, issue
from control_plane.db.tables import DEPLOYMENT, workers
from control_plane.db.transaction import ADMIN, Tx
from control_plane.edge import endpoint
from tests.store.task_house import begin_experiment, ulid
from tests.wire.store_app import StoreApp, serving

SOON = 60  # seconds: far more than any answer needs, and the end of a test whose answer never comes


@pytest.fixture
async def app(database_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(database_url, tmp_path / "artifacts") as served:
        yield served


async def create_tasks(app: StoreApp, count: int) -> list[str]:
    return [await asyncio.to_thread(app.store.task) for _ in range(count)]


async def until_it_waits(app: StoreApp) -> None:
    async with asyncio.timeout(SOON):
        while not app.store.house.hub._waiters:  # noqa: ASYNC110 - the hub tells nobody who waits
            await asyncio.sleep(0.01)


async def test_a_cursor_counts_what_was_seen(app: StoreApp) -> None:
    assert await app.get("v0:events") == {"events": [], "cursor": 0}
    first, second, third = await create_tasks(app, 3)
    batch = await app.get("v0:events")
    assert batch["cursor"] == 3
    assert [event["data"]["task_id"] for event in batch["events"]] == [first, second, third]
    for event in batch["events"]:
        assert event.keys() == {"event_id", "type", "occurred_at", "experiment_id", "data"}
        assert (event["type"], event["experiment_id"]) == ("task.created", app.store.experiment_id)
    later = await app.get("v0:events", cursor=2)
    assert (later["events"], later["cursor"]) == (batch["events"][2:], 3)
    assert await app.get("v0:events", "admin", cursor=99) == {"events": [], "cursor": 99}
    for wrong in ("-1", "x", "1.5"):
        await app.refused("bad-request", "ann", "GET", "v0:events", params={"cursor": wrong})


async def test_only_the_protocols_own_events_are_served_under_v0(app: StoreApp) -> None:
    app.store.write(lambda tx: tx.tell("job.queued", job_id="job-1"), ADMIN)
    (task_id,) = await create_tasks(app, 1)
    batch = await app.get("v0:events")
    assert ([event["type"] for event in batch["events"]], batch["cursor"]) == (["task.created"], 1)
    page = await app.get("api:events", after=0)
    assert [event["type"] for event in page["events"]] == ["job.queued", "task.created"]
    assert page["events"][1]["data"]["task_id"] == task_id
    assert [event["position"] for event in page["events"]] == [1, 2]
    assert page["cursor"] == 2


async def test_a_subscriber_hears_at_once_of_what_comes(app: StoreApp) -> None:
    waiting = asyncio.create_task(app.get("v0:events/subscribe"))
    await until_it_waits(app)
    assert not waiting.done()
    (task_id,) = await create_tasks(app, 1)
    batch = await asyncio.wait_for(waiting, SOON)
    assert ([event["data"]["task_id"] for event in batch["events"]], batch["cursor"]) == ([task_id], 1)
    assert (await asyncio.wait_for(app.get("v0:events/subscribe", cursor=0), SOON)) == batch


async def test_a_subscriber_of_silence_gets_an_empty_batch(app: StoreApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "LONG_POLL_SECONDS", 0.1)
    await create_tasks(app, 1)
    assert await asyncio.wait_for(app.get("v0:events/subscribe", cursor=1), SOON) == {"events": [], "cursor": 1}
    await app.refused("bad-request", "ann", "GET", "v0:events/subscribe", params={"cursor": -1})
    bearer = {"Authorization": "Bearer admin:guess"}
    await app.refused("unauthorized", "ann", "GET", "v0:events/subscribe", headers=bearer)


async def test_the_joint_log_waits_from_where_it_stands(app: StoreApp) -> None:
    await create_tasks(app, 2)
    assert await app.get("api:events") == {"events": [], "cursor": 2}
    waiting = asyncio.create_task(app.get("api:events", wait_seconds=30))
    await until_it_waits(app)
    assert not waiting.done()
    (task_id,) = await create_tasks(app, 1)
    page = await asyncio.wait_for(waiting, SOON)
    assert ([event["data"]["task_id"] for event in page["events"]], page["cursor"]) == ([task_id], 3)
    assert await app.get("api:events", after=3, wait_seconds=0.1) == {"events": [], "cursor": 3}
    await app.refused("bad-request", "ann", "GET", "api:events", params={"wait_seconds": 31})


async def test_activity_is_read_from_the_newest_back(app: StoreApp) -> None:
    made = await create_tasks(app, 5)
    seen: list[str] = []
    parameters: dict[str, Any] = {}
    for _ in range(3):
        page = await app.get("api:events", is_newest_first=True, limit=2, **parameters)
        seen += [event["data"]["task_id"] for event in page["events"]]
        parameters = {"after": page["cursor"]}
    assert seen == made[::-1]
    assert (await app.get("api:events", is_newest_first=True, after=1))["events"] == []


async def test_the_deployments_log_is_for_the_deployments_own(app: StoreApp) -> None:
    store, other = app.store, "exp_" + ulid(2)
    store.write(lambda tx: begin_experiment(tx, other), ADMIN)
    store.write(lambda tx: tx.at(other).tell("experiment.created"), ADMIN)
    store.write(lambda tx: tx.at(DEPLOYMENT).tell("worker.registered"), ADMIN)
    await create_tasks(app, 1)
    clerk = await asyncio.to_thread(store.write, partial(_register, keys=store.house.keys), ADMIN)
    for headers in (app.headers("admin"), {"Authorization": clerk}):
        page = (await app.http.get("/api/events", params={"after": 0}, headers=headers)).json()
        assert [event.get("experiment_id") for event in page["events"]] == [other, None, store.experiment_id]
    refused = await app.http.get("/api/events", headers=app.headers("ann"))
    assert refused.json()["type"] == "eden://error/unauthorized"
    assert [event["type"] for event in (await app.get("api:events", after=0))["events"]] == ["task.created"]


def _register(tx: Tx, keys: Keys) -> str:
    """A bearer of the deployment."""
    worker = "wkr_" + ulid(77)
    tx.connection.execute(workers.insert().values(worker_id=worker, scope=DEPLOYMENT, registered_at=tx.now))
    return f"Bearer {worker}:{issue(tx.connection, keys, worker, tx.now, Issue(DEPLOYMENT))}"
