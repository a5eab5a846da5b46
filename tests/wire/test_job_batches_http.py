"""Many jobs at once over HTTP: who may, what is refused, and that a list can be narrowed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.scheduler.operations import arrays
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import Queue
from tests.store.task_house import begin_experiment, open_house, ulid
from tests.wire.test_jobs_http import JOB, Desk, problem

S = JobState


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_house(sqlite_url) as store:
        yield Desk(Queue(store), tmp_path / "attempts")


def names(page: httpx.Response) -> list[str]:
    return [job["name"] for job in page.json()["items"]]


async def test_the_deployment_queues_jobs_in_the_experiment_that_the_body_names(desk: Desk) -> None:
    body = JOB | {"experiment_id": desk.store.experiment_id, "tags": ["a"], "idempotency_key": "once"}
    async with desk.client("admin") as client:
        made = await client.post("/api/jobs", json=body)
        assert (made.status_code, made.json()["experiment_id"]) == (201, desk.store.experiment_id)
        assert (await client.post("/api/jobs", json=body)).json()["job_id"] == made.json()["job_id"]
        nowhere = JOB | {"experiment_id": "exp_" + ulid(9)}
        assert problem(await client.post("/api/jobs", json=nowhere)) == (404, "not-found")
        assert problem(await client.post("/api/jobs", json=JOB)) == (400, "bad-request")
        many = await client.post(
            "/api/jobs/bulk", json={"jobs": [body, JOB | {"experiment_id": body["experiment_id"]}]}
        )
        assert [job["number"] for job in many.json()["jobs"]] == [1, 2]


async def test_a_worker_queues_where_it_belongs_by_naming_its_experiment_and_nowhere_else(desk: Desk) -> None:
    here, there = desk.store.experiment_id, "exp_" + ulid(9)
    desk.write(lambda tx: begin_experiment(tx, there))
    async with desk.client("bob") as client:
        made = await client.post("/api/jobs", json=JOB | {"experiment_id": here})
        assert (made.status_code, made.json()["submitted_by"]) == (201, desk.store.id_of("bob"))
        assert problem(await client.post("/api/jobs", json=JOB | {"experiment_id": there})) == (403, "forbidden")
        both = {"jobs": [JOB | {"experiment_id": here}, JOB | {"experiment_id": there}]}
        assert problem(await client.post("/api/jobs/bulk", json=both)) == (403, "forbidden")
        one = {"jobs": both["jobs"][:1]}
        assert (await client.post("/api/jobs/bulk", json=one)).status_code == 201
        branch = JOB | {"experiment_id": here, "publish": f"work/{desk.store.id_of('eve')}/x"}
        assert problem(await client.post("/api/jobs", json=branch)) == (403, "forbidden")
    assert desk.counted() == {"queued": 2}


async def test_an_experiment_queues_many_jobs_all_or_none(desk: Desk) -> None:
    async with desk.client() as client:
        made = await client.post(f"{desk.here}/bulk", json={"jobs": [JOB, JOB | {"array": 5}]})
        assert made.status_code == 201
        assert [job.get("array_index") for job in made.json()["jobs"]] == [None, 0]
        bad = await client.post(f"{desk.here}/bulk", json={"jobs": [JOB, JOB | {"depends_on": [{"job_id": "x"}]}]})
        assert problem(bad) == (404, "not-found")
        assert bad.json()["detail"] == "jobs[1]: depends_on: there is no job x here"
        shape = await client.post(f"{desk.here}/bulk", json={"jobs": [JOB, JOB | {"priority": 11}]})
        assert problem(shape) == (400, "bad-request")
        assert "jobs.1.priority" in shape.text
        for jobs in ([], [JOB] * 1001):
            assert problem(await client.post(f"{desk.here}/bulk", json={"jobs": jobs})) == (400, "bad-request")
    assert desk.counted() == {"queued": 2}


async def test_an_array_is_read_and_cancelled_as_one(desk: Desk) -> None:
    async with desk.client() as client:
        array_id = (await client.post(desk.here, json=JOB | {"array": 100})).json()["array_id"]
        desk.write(arrays.unfold)
        path = f"/api/experiments/{desk.store.experiment_id}/arrays/{array_id}"
        array = (await client.get(path)).json()
        assert (array["size"], array["made"], array["states"]) == (100, 64, {"queued": 64})
        listed = await client.get(desk.here, params={"array_id": array_id, "limit": 500})
        assert len(listed.json()["items"]) == 64
    async with desk.client("eve") as client:
        assert problem(await client.post(f"{path}/cancel")) == (403, "forbidden")
    async with desk.client("admin") as client:
        assert (await client.get(f"/api/arrays/{array_id}")).json() == array
        assert (await client.post(f"/api/arrays/{array_id}/cancel")).json()["states"] == {"cancelled": 64}
        assert problem(await client.get("/api/arrays/arr_none")) == (404, "not-found")


async def test_jobs_are_cancelled_and_reprioritised_by_a_filter(desk: Desk) -> None:
    for tag in ("a", "a", "b"):
        desk.submit(tags=(tag,))
    desk.submit(name="eve", tags=("a",))
    chosen: dict[str, Any] = {"filter": {"tag": "a"}}
    async with desk.client("admin") as client:
        counted = (await client.post("/api/jobs/priority", json=chosen | {"priority": 9, "is_preview": True})).json()
        assert (counted["matched"], counted["changed"], counted["left"]) == (3, 0, 3)
        stale = await client.post("/api/jobs/priority", json=chosen | {"priority": 9, "expected_count": 2})
        assert problem(stale) == (409, "invalid-precondition")
        await client.post("/api/jobs/priority", json=chosen | {"priority": 9, "expected_count": 3})
        assert [job["priority"] for job in (await client.get("/api/jobs")).json()["items"]] == [9, 5, 9, 9]
        assert problem(await client.post("/api/jobs/cancel", json={"filter": {}})) == (400, "bad-request")
    async with desk.client("bob") as client:
        assert (await client.post(f"{desk.here}/cancel", json=chosen)).json()["changed"] == 2
        assert problem(await client.post("/api/jobs/cancel", json=chosen)) == (401, "unauthorized")
    assert desk.counted() == {"queued": 2, "cancelled": 2}


async def test_a_waiting_job_is_moved(desk: Desk) -> None:
    first, second = desk.submit(), desk.submit()
    async with desk.client("admin") as client:
        assert (await client.post(f"/api/jobs/{second}/move", json={"before": first})).status_code == 200
        assert (await client.get(f"/api/jobs/{second}")).json()["position"] == 1
        assert problem(await client.post(f"/api/jobs/{second}/move", json={})) == (400, "bad-request")
        assert problem(await client.post(f"/api/jobs/{second}/move", json={"after": "77"})) == (404, "not-found")


async def test_a_list_is_narrowed_by_what_its_query_says(desk: Desk) -> None:
    async with desk.client() as client:
        for name, run_id in (("train one", "run-1"), ("train two", "run-2"), ("score", "run-1")):
            await client.post(desk.here, json=JOB | {"name": name, "run_id": run_id})
        desk.cancel("2")
        assert names(await client.get(desk.here, params={"name": "train"})) == ["train two", "train one"]
        assert names(await client.get(desk.here, params={"run_id": "run-1", "is_open": True})) == ["score", "train one"]
        assert names(await client.get(desk.here, params={"states": "cancelled,failed"})) == ["train two"]
        assert names(await client.get(desk.here, params={"cause": "cancelled"})) == ["train two"]
        for wrong in ({"states": "queued,nothing"}, {"cause": "bad luck"}):
            assert problem(await client.get(desk.here, params=wrong)) == (400, "bad-request")


async def test_a_job_that_lives_is_not_tried_again(desk: Desk) -> None:
    job_id = desk.bring(S.RUNNING)
    async with desk.client("admin") as client:
        refused = await client.post(f"/api/jobs/{job_id}/retry")
        assert problem(refused) == (409, "illegal-transition")
        assert refused.json()["detail"] == "job 1 is running; cancel it or wait for its end before you try it again"
