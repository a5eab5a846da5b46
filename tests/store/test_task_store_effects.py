"""What the end of a task does to its idea and variant, all in one commit (protocol §4.5)."""

from typing import Any

import pytest

from control_plane.db.tables import scores
from control_plane.task_store.operations import ideas, tasks, variants
from store_client.errors import InvalidPrecondition
from store_client.wire.tasks import ReclaimTask
from tests.store.task_house import TaskHouse, sha

A, B = "https://example.org/a", "https://example.org/b"


def said(store: TaskHouse, since: int) -> list[str]:
    return [type_ for type_, _ in store.told()[since:]]


def test_ending_an_ideation_touches_no_idea(store: TaskHouse) -> None:
    idea_id = store.idea()
    for status, end, type_ in (("success", store.accept, "task.completed"), ("error", store.reject, "task.failed")):
        task_id = store.task()
        store.claim(task_id)
        store.submit(task_id, idea_ids=[idea_id], status=status)
        before = len(store.told())
        end(task_id)
        assert said(store, before) == [type_]
        assert store.see(tasks.read, task_id).claim is None
        assert store.see(tasks.read, task_id).submitted_by == store.id_of("bob")
    assert store.see(ideas.read, idea_id).state == "ready"


def test_an_accepted_execution_gives_its_variant_a_commit(store: TaskHouse) -> None:
    task_id, idea_id, variant_id = store.executing()
    store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1), artifacts_uri=A)
    before = len(store.told())
    store.accept(task_id)
    variant = store.see(variants.read, variant_id)
    assert (variant.status, variant.commit_sha, variant.completed_at) == ("starting", sha(1), None)
    assert (variant.executed_by, variant.executor_artifacts_uri) == (store.id_of("bob"), A)
    assert variant.artifacts_uri is None
    assert store.see(ideas.read, idea_id).state == "completed"
    assert store.told()[before:] == [
        ("task.completed", {"task_id": task_id, "worker_id": store.id_of("bob")}),
        ("idea.completed", {"idea_id": idea_id, "task_id": task_id}),
    ]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"status": "error", "artifacts_uri": A}, "worker_error"),
        ({"status": "success", "commit_sha": sha(1), "artifacts_uri": A}, "validation_error"),
        ({"status": "success", "commit_sha": sha(1), "artifacts_uri": A}, "policy_limit"),
    ],
)
def test_a_rejected_execution_ends_its_variant(store: TaskHouse, payload: dict[str, Any], reason: str) -> None:
    task_id, idea_id, variant_id = store.executing()
    store.submit(task_id, variant_id=variant_id, **payload)
    before = len(store.told())
    store.reject(task_id, reason)
    variant = store.see(variants.read, variant_id)
    assert (variant.status, variant.commit_sha) == ("error", None)
    assert variant.completed_at is not None
    assert (variant.executed_by, variant.executor_artifacts_uri) == (store.id_of("bob"), A)
    assert store.see(ideas.read, idea_id).state == "completed"
    assert said(store, before) == ["task.failed", "idea.completed", "variant.errored"]
    assert store.told()[before][1]["reason"] == reason


def test_an_accepted_evaluation_scores_its_variant(store: TaskHouse) -> None:
    variant_id = store.executed(1)
    task_id = store.evaluating(variant_id)
    metrics = {"accuracy": 0.5, "steps": 3.0, "note": None}
    store.submit(task_id, variant_id=variant_id, status="success", evaluation=metrics, artifacts_uri=B)
    before = len(store.told())
    store.accept(task_id)
    variant = store.see(variants.read, variant_id)
    assert (variant.status, variant.evaluation, variant.artifacts_uri) == ("success", metrics, B)
    assert (variant.evaluated_by, variant.executor_artifacts_uri) == (store.id_of("bob"), None)
    assert variant.completed_at is not None
    assert store.told()[before:] == [
        ("task.completed", {"task_id": task_id, "worker_id": store.id_of("bob")}),
        ("variant.succeeded", {"variant_id": variant_id, "commit_sha": sha(1)}),
    ]


def test_a_failed_evaluation_ends_its_variant_with_what_was_measured(store: TaskHouse) -> None:
    for number, evaluation in enumerate(({"accuracy": 0.1}, {"speed": 1}, None)):
        variant_id = store.executed(number + 1)
        task_id = store.evaluating(variant_id)
        given = {} if evaluation is None else {"evaluation": evaluation}
        store.submit(task_id, variant_id=variant_id, status="error", artifacts_uri=B, **given)
        before = len(store.told())
        store.reject(task_id)
        variant = store.see(variants.read, variant_id)
        assert (variant.status, variant.artifacts_uri) == ("error", B)
        assert variant.evaluation == (evaluation if number == 0 else None)  # none that breaks the schema is stored
        assert (variant.evaluated_by, variant.completed_at is not None) == (store.id_of("bob"), True)
        assert said(store, before) == ["task.failed", "variant.errored"]


def test_a_fault_of_the_evaluator_leaves_the_variant_as_it_was(store: TaskHouse) -> None:
    variant_id = store.executed(1)
    untouched = store.see(variants.read, variant_id)
    for payload in (
        {"status": "evaluation_error", "evaluation": {"accuracy": 1}, "artifacts_uri": B},
        {"status": "success", "evaluation": {"speed": 1}, "artifacts_uri": B},
    ):
        task_id = store.evaluating(variant_id)
        store.submit(task_id, variant_id=variant_id, **payload)
        before = len(store.told())
        store.reject(task_id, "worker_error" if payload["status"] != "success" else "validation_error")
        assert said(store, before) == ["task.failed"]
        assert store.see(variants.read, variant_id) == untouched
    store.evaluated(variant_id, accuracy=1)


def test_accepting_needs_a_success_that_keeps_the_schema(store: TaskHouse) -> None:
    ideation = store.task()
    store.claim(ideation)
    store.submit(ideation, idea_ids=[], status="error")
    execution, _, failed = store.executing()
    store.submit(execution, variant_id=failed, status="error")
    evaluations = []
    for number, (status, metrics) in enumerate((("success", {"steps": 1.5}), ("error", {}), ("evaluation_error", {}))):
        variant_id = store.executed(number + 1)
        evaluations.append(store.evaluating(variant_id))
        store.submit(evaluations[-1], variant_id=variant_id, status=status, evaluation=metrics)
    before = store.told()
    for task_id in (ideation, execution, *evaluations):
        with pytest.raises(InvalidPrecondition):
            store.accept(task_id)
        assert store.see(tasks.read, task_id).state == "submitted"
    assert store.told() == before


def test_a_variant_that_ended_meanwhile_is_left_alone(store: TaskHouse) -> None:
    execution, idea_id, started = store.executing()
    store.submit(execution, variant_id=started, status="success", commit_sha=sha(9))
    variant_id = store.executed(1)
    evaluation = store.evaluating(variant_id)
    store.submit(evaluation, variant_id=variant_id, status="error")
    for given_up in (started, variant_id):
        store.act("eve", variants.declare_evaluation_error, given_up)
    for task_id in (execution, evaluation):
        with pytest.raises(InvalidPrecondition):
            store.accept(task_id)
        store.reject(task_id, "policy_limit")
    assert store.see(ideas.read, idea_id).state == "completed"
    for given_up in (started, variant_id):
        variant = store.see(variants.read, given_up)
        assert (variant.status, variant.evaluated_by) == ("evaluation_error", None)


def test_a_stale_variant_of_a_lost_claim_is_not_accepted(store: TaskHouse) -> None:
    task_id, idea_id, first = store.executing()
    store.act("eve", tasks.reclaim, task_id, ReclaimTask(cause="expired"))
    store.claim(task_id, "eve")
    store.variant(idea_id, "eve")
    store.submit(task_id, "eve", variant_id=first, status="success", commit_sha=sha(1))
    with pytest.raises(InvalidPrecondition):
        store.accept(task_id)


def test_scores_follow_the_objective_in_its_direction(store: TaskHouse) -> None:
    baseline = store.act("orchestrators", variants.create, store.baseline_body()).variant_id
    assert _scores(store) is None
    store.evaluated(baseline, accuracy=0.5)
    worse, better, silent, equal = (store.executed(number) for number in range(1, 5))
    store.evaluated(worse, accuracy=0.25)
    assert _scores(store) == (baseline, 0.5, baseline, 0.5)
    store.evaluated(better, accuracy=0.75)
    store.evaluated(silent, steps=1)
    store.evaluated(equal, accuracy=0.75)
    assert _scores(store) == (baseline, 0.5, better, 0.75)
    config = store.see(lambda tx: tx.experiment["config"])
    store.set(config=config | {"objective": {"expr": "accuracy * 2 - steps", "direction": "minimize"}})
    lowest = store.executed(5)
    store.evaluated(lowest, accuracy=0.75, steps=9)
    assert _scores(store) == (baseline, 0.5, lowest, -7.5)


def _scores(store: TaskHouse) -> tuple[Any, ...] | None:
    row = store.see(lambda tx: tx.connection.execute(scores.select()).mappings().first())
    return row and tuple(
        row[name] for name in ("baseline_variant_id", "baseline_value", "best_variant_id", "best_value")
    )
