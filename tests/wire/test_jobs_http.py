"""The queue over HTTP: what a job's owner, its experiment and the deployment may ask."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from control_plane.edge.problems import HANDLERS
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.routes import Yard, routes
from control_plane.scheduler.rules.explain import STARTS
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue, Repositories
from tests.store.task_house import open_house

S = JobState
JOB = {"name": "a job", "command": ["/bin/true"]}


class Desk(Queue):
    """The queue's operations, and HTTP into the same house."""

    def __init__(self, queue: Queue, folder: Path) -> None:
        super().__init__(queue.store)
        self.engine = LocalEngine(folder, Repositories(folder))
        self.app = Starlette(
            routes=routes(self.store.house, Yard(self.engine, Inventory(2), CLAIMS)),
            exception_handlers=dict(HANDLERS),
        )
        self.here = f"/api/experiments/{self.store.experiment_id}/jobs"

    @asynccontextmanager
    async def client(self, name: str = "bob") -> AsyncIterator[httpx.AsyncClient]:
        """HTTP as somebody of the experiment, or as `admin`."""
        bearer = "admin:admin-token" if name == "admin" else f"{self.store.id_of(name)}:{self.store.tokens[name]}"
        headers = {"Authorization": f"Bearer {bearer}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            yield client

    def write_log(self, job_id: str, text: str, attempt: int = 1) -> None:
        directory = self.engine.directory(job_id, attempt)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "log").write_text(text)


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_house(sqlite_url) as store:
        yield Desk(Queue(store), tmp_path / "attempts")


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["type"].removeprefix("eden://error/")


async def test_a_job_is_queued_and_read_back_with_its_place(desk: Desk) -> None:
    async with desk.client() as client:
        made = await client.post(desk.here, json=JOB | {"priority": 7, "tags": ["a"]})
        assert made.status_code == 201
        job = made.json()
        assert (job["state"], job["number"], job["priority"]) == ("queued", 1, 7)
        assert job["submitted_by"] == desk.store.id_of("bob")
        names = {"experiment_name": "An experiment", "experiment_slug": desk.store.experiment_id.replace("_", "-")}
        placed = job | {"position": 1, "submitter_name": "bob", "waiting_for": STARTS, **names}
        assert (await client.get(f"{desk.here}/{job['job_id']}")).json() == placed
        assert (await client.get(f"{desk.here}/1")).json() == placed


async def test_the_same_key_answers_the_same_job_and_another_spec_conflicts(desk: Desk) -> None:
    async with desk.client() as client:
        first = await client.post(desk.here, json=JOB | {"idempotency_key": "once"})
        again = await client.post(desk.here, json=JOB | {"idempotency_key": "once"})
        assert first.json() == again.json()
        other = await client.post(desk.here, json=JOB | {"idempotency_key": "once", "priority": 1})
        assert problem(other) == (409, "already-exists")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "no command"},
        JOB | {"command": []},
        JOB | {"command": "/bin/true"},
        JOB | {"priority": 11},
        JOB | {"timeout_seconds": 0},
        JOB | {"resources": {"cpus": 0}},
        JOB | {"publish": "main"},
        JOB | {"commit_sha": "HEAD"},
        JOB | {"files": {"big": "x" * (1024 * 1024 + 1)}},
        JOB | {"retry": {"on": ["succeeded"]}},
        JOB | {"surprise": True},
    ],
    ids=str,
)
async def test_what_is_no_job_is_refused_with_its_fault(desk: Desk, body: dict[str, Any]) -> None:
    async with desk.client() as client:
        assert problem(await client.post(desk.here, json=body)) == (400, "bad-request")
    assert desk.counted() == {}


async def test_without_a_credential_nothing_is_told(desk: Desk) -> None:
    desk.submit()
    async with desk.client() as client:
        client.headers.pop("Authorization")
        for path in (desk.here, f"{desk.here}/1", "/api/jobs", "/api/jobs/1/log", "/api/scheduler/fleet"):
            assert problem(await client.get(path)) == (401, "unauthorized")


async def test_the_deployments_calls_are_not_for_an_experiments_workers(desk: Desk) -> None:
    job_id = desk.submit()
    async with desk.client("eve") as client:
        assert problem(await client.post(f"/api/jobs/{job_id}/cancel"))[0] in {401, 403}
        assert problem(await client.post(f"{desk.here}/{job_id}/cancel")) == (403, "forbidden")
    async with desk.client("admin") as client:
        answer = await client.post(f"/api/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


async def test_the_administrator_tries_again_and_reorders(desk: Desk) -> None:
    job_id = desk.bring(S.FAILED)
    async with desk.client("admin") as client:
        again = await client.post(f"/api/jobs/{job_id}/retry")
        assert again.json()["state"] == "queued"
        moved = await client.post(f"/api/jobs/{job_id}/priority", json={"priority": 9})
        assert moved.json()["priority"] == 9
        assert problem(await client.post(f"/api/jobs/{job_id}/retry")) == (409, "illegal-transition")
        assert problem(await client.post("/api/jobs/none/retry")) == (404, "not-found")


async def test_reading_a_job_waits_for_its_end(desk: Desk) -> None:
    desk.store.house.hub.start()
    job_id = desk.bring(S.RUNNING)
    async with desk.client() as client, asyncio.timeout(60):
        waiting = asyncio.create_task(client.get(f"{desk.here}/{job_id}", params={"wait_seconds": 30}))
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.finish, job_id, 1, Ending("user_error", 3))
        job = (await waiting).json()
        assert (job["state"], job["exit_code"], job["cause"]) == ("failed", 3, "user_error")
        assert [attempt["state"] for attempt in job["attempts"]] == ["failed"]
        late = await client.get(f"{desk.here}/{desk.submit()}", params={"wait_seconds": 0.05})
        assert late.json()["state"] == "queued"


async def test_jobs_are_paged_by_experiment_and_in_all(desk: Desk) -> None:
    made = [desk.submit() for _ in range(3)]
    for path, name in ((desk.here, "ann"), ("/api/jobs", "admin")):
        async with desk.client(name) as client:
            first = (await client.get(path, params={"is_open": "true", "limit": 2})).json()
            rest = (await client.get(path, params={"is_open": "true", "limit": 2, "after": first["next"]})).json()
            assert [job["job_id"] for job in first["items"] + rest["items"]] == made
            assert (first["total"], rest.get("next")) == (3, None)
            assert problem(await client.get(path, params={"is_open": "true", "after": "x"})) == (400, "bad-request")


async def test_a_log_is_read_in_pieces_of_each_attempt(desk: Desk) -> None:
    job_id = desk.submit()
    desk.finish(job_id, desk.place(job_id), Ending("node_lost"))
    desk.place(job_id)
    desk.write_log(job_id, "first try: größer", 1)
    desk.write_log(job_id, "second", 2)
    path = f"/api/jobs/{job_id}/log"
    async with desk.client("admin") as client:
        newest = (await client.get(path)).json()
        assert newest == {"text": "second", "offset": 0, "next_offset": 6, "is_complete": False, "attempt": 2}
        begun = (await client.get(path, params={"attempt": 1, "limit": 14})).json()
        assert (begun["text"], begun["next_offset"], begun["is_complete"]) == ("first try: gr", 13, False)
        rest = (await client.get(path, params={"attempt": 1, "offset": 13})).json()
        assert (rest["text"], rest["is_complete"]) == ("ößer", True)
        assert problem(await client.get(path, params={"attempt": 3})) == (404, "not-found")
        assert problem(await client.get("/api/jobs/none/log")) == (404, "not-found")
        assert problem(await client.get(path, params={"offset": -1})) == (400, "bad-request")


async def test_following_a_log_waits_for_more_and_ends_with_the_job(desk: Desk) -> None:
    job_id = desk.bring(S.RUNNING)
    desk.write_log(job_id, "one\n")
    path = f"/api/jobs/{job_id}/log"
    async with desk.client("admin") as client, asyncio.timeout(60):
        following = asyncio.create_task(client.get(path, params={"offset": 4, "wait_seconds": 30}))
        await asyncio.sleep(0)
        desk.write_log(job_id, "one\ntwo\n")
        assert (await following).json()["text"] == "two\n"
        ending = asyncio.create_task(client.get(path, params={"offset": 8, "wait_seconds": 30}))
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.finish, job_id, 1, Ending("finished", 0))
        assert (await ending).json()["is_complete"]


async def test_the_fleet_shows_every_slot_and_who_holds_it(desk: Desk) -> None:
    job_id = desk.bring(S.RUNNING)
    desk.submit()
    async with desk.client("admin") as client:
        fleet = (await client.get("/api/scheduler/fleet")).json()
    slots = {slot["slot_id"]: slot.get("job_id") for slot in fleet["slots"] if slot["kind"] == "cpu"}
    assert slots == {"cpu:0": job_id, "cpu:1": None}
    assert (fleet["summary"]["waiting"], fleet["summary"]["running"]) == (1, 1)
