"""The policy of the queue over HTTP: everybody reads it, administrators of the deployment change it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from control_plane.edge.problems import HANDLERS
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.routes import Yard, routes
from tests.scheduler.queue_house import CLAIMS, Repositories
from tests.store.task_house import TaskHouse, open_house

POLICY, SHARES = "/api/scheduler/policy", "/api/scheduler/shares"
ADMIN = {"Authorization": "Bearer admin:admin-token"}


@pytest.fixture
def house(sqlite_url: str) -> Iterator[TaskHouse]:
    with open_house(sqlite_url) as store:
        yield store


@pytest.fixture
def client(house: TaskHouse, tmp_path: Path) -> httpx.AsyncClient:
    yard = Yard(LocalEngine(tmp_path, Repositories(tmp_path)), Inventory(2), CLAIMS)
    app = Starlette(routes=routes(house.house, yard), exception_handlers=dict(HANDLERS))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here", headers=ADMIN)


async def test_an_administrator_changes_the_policy_and_reads_it_back(client: httpx.AsyncClient) -> None:
    async with client:
        changed = await client.put(POLICY, json={"ageing_seconds": 120})
        assert (changed.status_code, changed.json()["starvation_seconds"]) == (200, 1320)
        assert (await client.get(POLICY)).json() == changed.json()


async def test_shares_are_set_and_listed_without_what_is_no_limit(client: httpx.AsyncClient, house: TaskHouse) -> None:
    async with client:
        path = f"{SHARES}/experiments/{house.experiment_id}"
        made = await client.put(path, json={"weight": 3, "gpus": 0.5})
        assert made.status_code == 200
        assert made.json() == {"experiment_id": house.experiment_id, "weight": 3, "gpus": 0.5, "used_seconds": 0}
        assert (await client.get(SHARES)).json() == {"experiments": [made.json()], "operators": []}


@pytest.mark.parametrize("path", [POLICY, f"{SHARES}/experiments/exp_x", f"{SHARES}/operators/wkr_x"])
async def test_a_worker_of_an_experiment_changes_nothing(
    client: httpx.AsyncClient, house: TaskHouse, path: str
) -> None:
    bearer = f"Bearer {house.id_of('bob')}:{house.tokens['bob']}"
    async with client:
        refused = await client.put(path, json={}, headers={"Authorization": bearer})
    assert refused.status_code in {401, 403}


@pytest.mark.parametrize("body", [{"ageing_seconds": 0}, {"half_life_seconds": 1}, {"may_preempt": None}, {"speed": 9}])
async def test_a_policy_that_makes_no_sense_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    async with client:
        assert (await client.put(POLICY, json=body)).status_code == 400
