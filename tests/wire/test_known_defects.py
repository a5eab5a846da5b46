"""What other servers of this protocol were found to get wrong, and this one must not, seen over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, insert
from starlette.applications import Starlette

from control_plane.app import build
from control_plane.settings import Settings
from control_plane.task_store.tables import variants
from tests.store.task_house import AT, BASE, begin_experiment, sha, ulid
from tests.wire.live import ADMIN_TOKEN
from tests.wire.yard import Yard

MANY = 5000
EXPERIMENT = "exp_" + ulid(1)


async def test_nobody_gives_back_the_claim_of_somebody_else(yard: Yard) -> None:
    task_id = await yard.task()
    claim = await yard.claim(task_id)
    await yard.changes_nothing("wrong-claimant", "eve", f"api:tasks/{task_id}/release")
    await yard.changes_nothing("wrong-claimant", "eve", f"api:tasks/{task_id}/renew", {"seconds": 60})
    assert (await yard.see("task", task_id))["claim"] == claim
    await yard.post(f"api:tasks/{task_id}/release", name="bob")
    assert (await yard.see("task", task_id))["state"] == "pending"


async def test_an_evaluator_reads_the_artifact_of_the_executor_it_judges(yard: Yard) -> None:
    task_id, _, variant_id = await yard.executing()
    files = {"file": ("out.txt", b"what the executor made", "text/plain")}
    uri = (await yard.call("bob", "POST", "v0:artifacts", files=files)).json()["artifacts_uri"]
    await yard.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1), artifacts_uri=uri)
    await yard.accept(task_id)
    evaluation = await yard.task("evaluation", variant_id)
    await yard.claim(evaluation, "eve")
    assert (await yard.see("variant", variant_id))["executor_artifacts_uri"] == uri
    read = await yard.call("eve", "GET", "api:artifacts", params={"uri": uri})
    assert (read.status_code, read.content) == (200, b"what the executor made")
    await yard.refused("forbidden", "eve", "GET", "v0:artifacts", params={"uri": uri})  # the protocol's own gate stands


async def test_the_best_idea_is_the_first_to_be_claimed(yard: Yard) -> None:
    here = await yard.fresh()
    tasks = {priority: await here.task("execution", await here.idea(priority=priority)) for priority in (1, 9, 5)}
    page = await here.get("api:tasks", kind="execution", state="pending")
    assert [task["task_id"] for task in page["items"]] == [tasks[9], tasks[5], tasks[1]]


async def test_a_limit_is_kept_and_a_bogus_filter_refused(yard: Yard) -> None:
    here = await yard.fresh()
    for _ in range(3):
        await here.task()
    first = await here.get("api:tasks", limit=1)
    second = await here.get("api:tasks", limit=1, after=first["next"])
    assert [len(page["items"]) for page in (first, second)] == [1, 1]
    assert first["items"] != second["items"]
    for wrong in ({"limit": 0}, {"limit": "x"}, {"limit": 10**9}, {"state": "bogus"}, {"kind": "bogus"}):
        await here.refused("bad-request", "ann", "GET", "api:tasks", params=wrong)
    for wrong in ({"state": "bogus"}, {"kind": "bogus"}):
        await here.refused("bad-request", "ann", "GET", "v0:tasks", params=wrong)


@pytest.fixture
def application(sqlite_url: str, tmp_path: Path) -> Iterator[Starlette]:
    app = build(Settings(data=tmp_path / "data", database_url=sqlite_url, admin_token=ADMIN_TOKEN))
    yield app
    app.state.parts.stop()


async def test_whether_a_server_is_well_costs_the_same_with_thousands_of_variants(application: Starlette) -> None:
    house = application.state.parts.house
    seen: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here") as http:
        before = await asked(http, seen)
        house.writer.write(fill)
        assert await asked(http, seen) == before
    assert not [statement for statement in before if "variants" in statement or "count(" in statement]


async def asked(http: httpx.AsyncClient, seen: list[str]) -> list[str]:
    """What the server asks its database to say that it is well."""
    seen.clear()
    for path in ("/health", "/ready"):
        assert (await http.get(path)).status_code == 200
    return list(seen)


def fill(tx: Any) -> None:
    begin_experiment(tx, EXPERIMENT)
    row = {"experiment_id": EXPERIMENT, "status": "error", "parent_commits": [BASE], "started_at": AT}
    rows = [row | {"variant_id": f"v{number}", "number": number, "idea_id": "i"} for number in range(MANY)]
    tx.connection.execute(insert(variants), rows)
