"""Metrics as the protocol has them: of the experiment's schema (§5.5), each of its declared kind (§1.7)."""

from typing import Any

import pytest

from tests.store.task_house import CONFIG
from tests.wire.yard import ONE_WAY, Yard

RESERVED = (
    "variant_id", "commit_sha", "parent_commits", "branch", "status", "artifacts_uri", "executor_artifacts_uri",
    "description", "timestamp", "started_at", "completed_at",
)  # fmt: skip
WRONG: list[dict[str, Any]] = [
    {"steps": 1.5}, {"steps": True}, {"accuracy": "0.5"}, {"accuracy": {}}, {"note": 1}, {"unknown": 1},
    {"status": "x"}, {"executor_artifacts_uri": "x"},
]  # fmt: skip


@ONE_WAY
@pytest.mark.parametrize(
    "metrics",
    [
        {}, {"steps": 3}, {"steps": -7}, {"steps": 1.0}, {"steps": 1e3}, {"accuracy": 1}, {"accuracy": -0.25},
        {"note": ""}, {"accuracy": None, "steps": None, "note": None}, {"accuracy": 1.5, "steps": 2, "note": "n"},
    ],
)  # fmt: skip
async def test_metrics_of_their_declared_kinds_are_kept_and_any_may_be_missing_or_null(
    yard: Yard, metrics: dict[str, Any]
) -> None:
    variant_id = await yard.executed()
    task_id = await yard.evaluating(variant_id)
    await yard.submit(task_id, variant_id=variant_id, status="success", evaluation=metrics)
    await yard.accept(task_id)
    assert (await yard.see("variant", variant_id))["evaluation"] == metrics


async def test_metrics_that_break_the_schema_are_taken_in_and_never_accepted(yard: Yard) -> None:
    variant_id = await yard.executed()
    before = await yard.see("variant", variant_id)
    for metrics in WRONG:
        task_id = await yard.evaluating(variant_id)
        await yard.submit(task_id, variant_id=variant_id, status="success", evaluation=metrics)
        await yard.refused("invalid-precondition", "orchestrators", "POST", f"v0:tasks/{task_id}/accept")
        await yard.reject(task_id, "validation_error")
    assert await yard.see("variant", variant_id) == before
    assert "variant.succeeded" not in await yard.types()


@ONE_WAY
@pytest.mark.parametrize("name", [*RESERVED, "no-name", "1st", "über", "", "a b"])
async def test_an_experiment_with_a_reserved_or_malformed_metric_is_refused(yard: Yard, name: str) -> None:
    config = CONFIG | {"evaluation_schema": {"accuracy": "real", name: "text"}}
    headers = {"Authorization": yard.headers("admin")["Authorization"]}
    answer = await yard.http.post("/api/experiments", json={"config": config, "name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "eden://error/bad-request")


async def test_the_evaluation_schema_outlives_every_write(yard: Yard) -> None:
    schema = CONFIG["evaluation_schema"]
    assert (await yard.get("api:", "admin"))["evaluation_schema"] == schema
    await yard.evaluated(accuracy=1)
    assert (await yard.get("api:", "admin"))["evaluation_schema"] == schema
