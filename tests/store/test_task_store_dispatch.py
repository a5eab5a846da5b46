"""What a dispatcher asks: complete, in order, and read through an index."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from control_plane.task_store.operations import (
    artifacts,
    claims,
    dispatch,
    lineage,
    listing,
    subjects,
    task_pages,
    tasks,
    variants,
)
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.calls.variants import LineageQuery, VariantPageQuery
from store_client.wire.tasks import ReclaimTask
from store_client.wire.variants import IntegrateVariant
from tests.store.task_house import AT, TaskHouse, sha


def test_submitted_tasks_come_oldest_first_with_their_results(store: TaskHouse) -> None:
    first, second, third = (store.task() for _ in range(3))
    for task_id in (third, first):
        store.claim(task_id)
        store.submit(task_id, idea_ids=[], status="success", of=task_id)
    store.claim(second)
    found = store.see(dispatch.submitted)
    assert [(one.task.task_id, one.payload["of"]) for one in found] == [(first, first), (third, third)]
    assert [one.task.task_id for one in store.see(dispatch.submitted, 1)] == [first]


def test_ready_ideas_come_by_priority_and_leave_when_dispatched(store: TaskHouse) -> None:
    low, high, middle, _ = (store.idea(priority=p, is_ready=p < 9) for p in (1, 3, 2, 9))
    assert [idea.idea_id for idea in store.see(dispatch.ready_ideas)] == [high, middle, low]
    store.task("execution", high)
    assert [idea.idea_id for idea in store.see(dispatch.ready_ideas, 1)] == [middle]


def test_a_variant_waits_for_evaluation_until_one_is_under_way_or_it_has_ended(store: TaskHouse) -> None:
    store.executing()
    variant_id, given_up = store.executed(1), store.executed(2)
    store.act("bob", variants.declare_evaluation_error, given_up)
    task_id = store.evaluating(variant_id)
    assert store.see(dispatch.evaluable) == []
    store.submit(task_id, variant_id=variant_id, status="evaluation_error")
    assert store.see(dispatch.evaluable) == []
    store.reject(task_id)
    (found,) = store.see(dispatch.evaluable)
    assert (found.variant.variant_id, found.evaluation_attempts) == (variant_id, 1)
    store.evaluated(variant_id, accuracy=1)
    assert store.see(dispatch.evaluable) == []


def test_a_success_waits_for_integration_unless_it_is_the_baseline(store: TaskHouse) -> None:
    done = store.baseline_body(status="success", completed_at=AT, evaluation={"accuracy": 1})
    assert not store.see(dispatch.has_baseline)
    store.act("orchestrators", variants.create, done)
    assert store.see(dispatch.has_baseline)
    scored = []
    for number, accuracy in ((1, 0.25), (2, 0.5), (3, 0.75)):
        scored.append(store.executed(number, slug=f"idea-{number}"))
        store.evaluated(scored[-1], accuracy=accuracy)
    found = store.see(dispatch.integrable)
    assert [(one.variant.variant_id, one.slug) for one in found] == list(
        zip(scored, ("idea-1", "idea-2", "idea-3"), strict=True)
    )
    for number, variant_id in ((13, scored[2]), (11, scored[0])):
        store.act("orchestrators", variants.integrate, variant_id, IntegrateVariant(variant_commit_sha=sha(number)))
    assert [one.variant.variant_id for one in store.see(dispatch.integrable)] == [scored[1]]
    assert store.see(dispatch.integrated_metrics, 5) == [{"accuracy": 0.75}, {"accuracy": 0.25}]
    assert store.see(dispatch.integrated_metrics, 1) == [{"accuracy": 0.25}]
    assert store.see(dispatch.attempted) == 3


def test_in_flight_counts_each_variant_from_dispatch_to_verdict(store: TaskHouse) -> None:
    def in_flight() -> int:
        return int(store.see(dispatch.in_flight))

    store.act("orchestrators", variants.create, store.baseline_body())
    assert in_flight() == 0  # the baseline takes nobody's place
    idea_id = store.idea()
    task_id = store.task("execution", idea_id)
    assert in_flight() == 1
    store.claim(task_id)
    abandoned, variant_id = store.variant(idea_id), store.variant(idea_id)
    assert in_flight() == 1
    store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
    store.accept(task_id)
    assert in_flight() == 1
    assert store.see(variants.read, abandoned).status == "starting"
    store.evaluated(variant_id, accuracy=1)
    assert in_flight() == 0
    store.executing()
    assert in_flight() == 1


def test_ideation_tasks_are_counted_waiting_and_ever(store: TaskHouse) -> None:
    first, second, _ = (store.task() for _ in range(3))
    for task_id, end in ((first, store.accept), (second, store.reject)):
        store.claim(task_id)
        store.submit(task_id, idea_ids=[], status="success")
        end(task_id)
    assert store.see(dispatch.ideations) == dispatch.Ideations(pending=1, total=3)
    assert store.see(dispatch.in_hand) == 0


HOT: dict[str, Callable[[Any], Any]] = {
    "submitted": dispatch.submitted,
    "ready ideas": dispatch.ready_ideas,
    "evaluable": dispatch.evaluable,
    "integrable": dispatch.integrable,
    "in flight": dispatch.in_flight,
    "baseline": dispatch.has_baseline,
    "integrated": lambda tx: dispatch.integrated_metrics(tx, 5),
    "lapsed claims": claims.sweep_expired,
    "live task": lambda tx: subjects._must_have_no_live_task(tx, "execution", "i"),
    "open claims": claims.open_by_worker,
    "tasks": lambda tx: task_pages.page(tx, TaskPageQuery()),
    "tasks of a kind": lambda tx: task_pages.page(tx, TaskPageQuery(kind="execution")),
    "tasks in a state": lambda tx: task_pages.page(tx, TaskPageQuery.model_validate({"state": "pending"})),
    "tasks of both": lambda tx: task_pages.page(
        tx, TaskPageQuery.model_validate({"kind": "execution", "state": "pending"})
    ),
    "my tasks": lambda tx: task_pages.page(tx, TaskPageQuery(claimed_by="me")),
    "ideas": lambda tx: listing.idea_page(tx, IdeaPageQuery()),
    "ideas in a state": lambda tx: listing.idea_page(tx, IdeaPageQuery.model_validate({"state": "ready"})),
    "variants": lambda tx: listing.variant_page(tx, VariantPageQuery()),
    "best variants": lambda tx: listing.variant_page(tx, VariantPageQuery(order="best")),
    "variants in a status": lambda tx: listing.variant_page(tx, VariantPageQuery.model_validate({"status": "error"})),
    "the graph": lambda tx: lineage.page(tx, LineageQuery()),
    "changes in the graph": lambda tx: lineage.page(tx, LineageQuery(since=0)),
    "the graph around one": lambda tx: lineage._children(tx, [1], 9, beside=()),
    "a variant's branch": lambda tx: tx.first(variants._OF_BRANCH, here=tx.experiment_id, branch="work/x"),
    "citations": lambda tx: artifacts._is_cited(tx, "eden://artifacts/" + "0" * 32),
    "one task": lambda tx: tasks.read(tx, "task-2"),
}
NARROW = {
    "submitted": "ix_tasks_submitted",
    "evaluable": "ix_variants_evaluable",
    "in flight": "ix_variants_evaluable",
    "integrable": "ix_variants_integrable",
    "lapsed claims": "ix_tasks_lapses_at",
    "live task": "uq_tasks_live",
    "best variants": "ix_variants_highest",
}  # these hold only the rows that are asked for, however many others there are
SORTED = {"my tasks"}  # as few rows as one worker holds
SCAN = re.compile("SCAN (tasks|ideas|variants|submissions|artifacts|events|tallies|scores|workers|groups)")


@pytest.mark.parametrize("name", HOT)
def test_hot_queries_walk_an_index(sqlite_store: TaskHouse, name: str) -> None:
    sqlite_store.idea()
    task_id = sqlite_store.task("execution", "idea-1")
    sqlite_store.claim(task_id)
    sqlite_store.act("eve", tasks.reclaim, task_id, ReclaimTask(cause="operator"))
    plans = plans_of(sqlite_store, HOT[name])
    assert plans
    assert any(NARROW.get(name, "") in plan for plan in plans), plans
    for plan in plans:
        assert SCAN.search(plan) is None, plan
        if "LIMIT" in plan and name not in SORTED:
            assert "TEMP B-TREE" not in plan, plan


def plans_of(store: TaskHouse, query: Callable[[Any], Any]) -> list[str]:
    """How SQLite would answer every question about our tables that this operation asks."""
    asked: list[tuple[str, Any]] = []
    engine = store.house.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith("SELECT") and "holding" not in statement:
            asked.append((statement, parameters))

    with listening(engine, note):
        store.see(query)
    with engine.connect() as connection:
        return [json.dumps(_plan(connection, statement, parameters)) for statement, parameters in asked]


def _plan(connection: Any, statement: str, parameters: Any) -> list[str]:
    rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
    return [statement, *(row[3] for row in rows)]


class listening:  # noqa: N801 - read as a verb after `with`
    def __init__(self, engine: Engine, note: Any) -> None:
        self._at = (engine, "before_cursor_execute", note)

    def __enter__(self) -> None:
        event.listen(*self._at)

    def __exit__(self, *_error: object) -> None:
        event.remove(*self._at)
