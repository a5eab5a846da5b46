"""What the orchestrator decides in a real store."""

import logging

import pytest

from control_plane.repos.examine import Facts
from control_plane.repos.refusals import GitFailed
from store_client.errors import NotFound
from store_client.wire.tasks import TaskState
from store_client.wire.variants import VariantStatus
from tests.orchestrator.desk_house import BY_HAND, DeskHouse
from tests.store.task_house import BASE, sha


def test_a_good_execution_is_accepted_and_measured_and_integrated(desk: DeskHouse) -> None:
    desk.store.idea()
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    (execution,) = desk.tasks("execution")
    variant_id = desk.work(execution, 1)
    desk.settle(orchestrator)
    (evaluation,) = desk.tasks("evaluation", TaskState.PENDING)
    desk.judge(evaluation)
    desk.settle(orchestrator)
    variant = desk.variant(variant_id)
    assert variant.status is VariantStatus.SUCCESS
    assert variant.variant_commit_sha == sha(1)[::-1]
    assert [branch.variant_id for branch in desk.git.branches.values()] == [variant_id]
    assert len(desk.told("variant.integrated")) == 1
    assert {task.state for task in (*desk.tasks("execution"), *desk.tasks("evaluation"))} == {TaskState.COMPLETED}


@pytest.mark.parametrize(
    "facts",
    [Facts(exists=False), Facts(exists=True), Facts(exists=True, is_descendant=True, is_unchanged=True)],
    ids=["missing", "elsewhere", "unchanged"],
)
def test_a_commit_that_is_missing_descends_from_elsewhere_or_changes_nothing_is_rejected(
    desk: DeskHouse, facts: Facts
) -> None:
    desk.git.facts[sha(1)] = facts
    desk.store.idea()
    desk.settle()
    (execution,) = desk.tasks("execution")
    variant_id = desk.work(execution, 1)
    desk.settle()
    assert desk.told("task.failed")[0]["reason"] == "validation_error"
    assert desk.variant(variant_id).status is VariantStatus.ERROR
    assert desk.tasks("evaluation") == []


def test_what_its_worker_gave_up_is_rejected_without_asking_git(desk: DeskHouse) -> None:
    desk.git.broken[sha(1)] = AssertionError("nobody asks")
    desk.store.idea()
    desk.settle()
    (execution,) = desk.tasks("execution")
    desk.work(execution, 1, status="error")
    desk.settle()
    assert desk.told("task.failed")[0]["reason"] == "worker_error"


def test_metrics_that_break_the_schema_are_rejected(desk: DeskHouse) -> None:
    variant_id = desk.store.executed()
    desk.settle()
    (evaluation,) = desk.tasks("evaluation")
    desk.judge(evaluation, evaluation={"speed": 12})
    desk.settle()
    assert desk.told("task.failed")[0]["reason"] == "validation_error"
    assert desk.variant(variant_id).evaluation is None


@pytest.mark.parametrize("fault", [GitFailed("rev-list", "out of memory"), NotFound("no repository")])
def test_while_git_cannot_answer_a_submission_waits_and_the_others_go_on(desk: DeskHouse, fault: Exception) -> None:
    desk.store.idea()
    desk.store.idea()
    desk.settle()
    first, second = desk.tasks("execution")
    desk.git.broken[sha(1)] = fault
    desk.work(first, 1)
    desk.work(second, 2)
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    assert [task.state for task in desk.tasks("execution")] == [TaskState.SUBMITTED, TaskState.COMPLETED]
    desk.git.broken.clear()
    desk.settle(orchestrator)
    assert desk.tasks("execution")[0].state is TaskState.SUBMITTED, "it rests for a while"
    orchestrator.stop()
    desk.settle()
    assert desk.tasks("execution")[0].state is TaskState.COMPLETED


def test_an_evaluation_that_keeps_failing_is_tried_three_times_then_given_up(desk: DeskHouse) -> None:
    variant_id = desk.store.executed()
    for tries in (1, 2, 3):
        desk.settle()
        evaluations = desk.tasks("evaluation")
        assert len(evaluations) == tries
        desk.judge(evaluations[-1], status="evaluation_error", evaluation={})
    desk.settle()
    assert len(desk.tasks("evaluation")) == 3
    assert desk.variant(variant_id).status is VariantStatus.EVALUATION_ERROR


def test_the_best_ideas_go_first_and_no_more_than_run_in_parallel(desk: DeskHouse) -> None:
    desk.configure(parallel_variants=1)
    ideas = {priority: desk.store.idea(priority=priority) for priority in (1, 9, 5)}
    orchestrator = desk.orchestrator()
    seen = []
    for number in (1, 2, 3):
        desk.settle(orchestrator)
        (execution,) = [task for task in desk.tasks("execution") if task.state is TaskState.PENDING]
        seen.append(execution.payload["idea_id"])
        desk.work(execution, number)
        desk.settle(orchestrator)
        assert not [task for task in desk.tasks("execution") if task.state is TaskState.PENDING], "one is in flight"
        desk.judge(desk.tasks("evaluation", TaskState.PENDING)[0])
    assert seen == [ideas[9], ideas[5], ideas[1]]


def test_a_limit_of_variants_is_not_overshot(desk: DeskHouse) -> None:
    desk.configure(parallel_variants=4, termination_policy={"kind": "max_variants", "target": 3})
    for _ in range(6):
        desk.store.idea()
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    executions = desk.tasks("execution")
    assert len(executions) == 3
    for number, execution in enumerate(executions, 1):
        desk.work(execution, number)
        desk.settle(orchestrator)
    assert len(desk.tasks("execution")) == 3
    for evaluation in desk.tasks("evaluation"):
        assert desk.told("experiment.terminated") == []
        desk.judge(evaluation)
        desk.settle(orchestrator)
    assert desk.told("experiment.terminated")[0]["reason"] == "3 variants were tried; the policy stops at 3"
    assert len(desk.variants()) == 3
    assert all(variant.variant_commit_sha for variant in desk.variants()), "an ended experiment is still integrated"


def test_each_decision_is_left_to_people_when_its_mode_says_so(desk: DeskHouse) -> None:
    policy = {"ideation_policy": {"kind": "maintain_pending", "target": 2}}
    desk.configure(BY_HAND, termination_policy={"kind": "max_variants", "target": 1}, **policy)
    variant_id = desk.store.executed()
    desk.store.idea()
    desk.settle()
    assert [desk.tasks(kind, TaskState.PENDING) for kind in ("ideation", "execution", "evaluation")] == [[], [], []]
    desk.store.evaluated(variant_id, accuracy=1)
    desk.settle()
    assert desk.variant(variant_id).variant_commit_sha is None
    assert desk.told("experiment.terminated") == []
    for key, done in {
        "ideation_creation": [2, 0, False],
        "execution_dispatch": [2, 1, False],
        "integration": [2, 1, True],
    }.items():
        desk.configure(BY_HAND | {key: "auto"}, **policy)
        desk.settle()
        made = [len(desk.tasks("ideation")), len(desk.tasks("execution", TaskState.PENDING))]
        assert [*made, desk.variant(variant_id).variant_commit_sha is not None] == done


def test_submissions_are_settled_whatever_the_modes(desk: DeskHouse) -> None:
    desk.configure(BY_HAND)
    execution = desk.store.task("execution", desk.store.idea())
    (task,) = desk.tasks("execution")
    desk.work(task, 1)
    desk.settle()
    assert desk.tasks("execution")[0].state is TaskState.COMPLETED
    assert desk.tasks("execution")[0].task_id == execution


def test_a_paused_experiment_finishes_what_is_claimed_and_begins_nothing(desk: DeskHouse) -> None:
    desk.store.idea()
    desk.settle()
    (execution,) = desk.tasks("execution")
    desk.store.claim(execution.task_id)
    variant_id = desk.store.variant(str(execution.payload["idea_id"]))
    desk.store.idea()
    desk.store.set(status="paused")
    desk.store.submit(execution.task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    assert desk.variant(variant_id).commit_sha == sha(1)
    assert len(desk.tasks("execution")) == 1
    assert desk.tasks("evaluation") == []
    desk.store.set(status="running")
    desk.settle(orchestrator)
    assert len(desk.tasks("execution")) == 2
    assert len(desk.tasks("evaluation")) == 1


def test_a_draft_is_left_alone(desk: DeskHouse) -> None:
    desk.store.idea()
    desk.store.set(status="draft")
    desk.settle()
    assert desk.tasks("execution") == []


def test_work_that_outlives_its_experiment_is_settled_and_integrated(desk: DeskHouse) -> None:
    variant_id = desk.store.executed()
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    (evaluation,) = desk.tasks("evaluation")
    desk.store.claim(evaluation.task_id)
    desk.store.set(status="completed")
    desk.settle(orchestrator)
    desk.store.submit(evaluation.task_id, variant_id=variant_id, status="success", evaluation={"accuracy": 1})
    orchestrator.round(everything=False)
    assert desk.variant(variant_id).variant_commit_sha is not None
    assert len(desk.tasks("execution")) == 1


def test_the_baseline_is_measured_like_any_variant(desk: DeskHouse) -> None:
    desk.configure(baseline={"enabled": True})
    desk.settle()
    (baseline,) = desk.variants()
    assert (baseline.kind, baseline.commit_sha, baseline.status) == ("baseline", BASE, VariantStatus.STARTING)
    (evaluation,) = desk.tasks("evaluation")
    desk.judge(evaluation)
    desk.settle()
    assert desk.variants()[0].status is VariantStatus.SUCCESS
    assert desk.git.written == [], "the seed is in the lineage already"


def test_a_baseline_with_known_metrics_needs_no_evaluation(desk: DeskHouse) -> None:
    desk.configure(baseline={"enabled": True, "metrics": {"accuracy": 0.25}})
    desk.settle()
    (baseline,) = desk.variants()
    assert (baseline.status, baseline.evaluation) == (VariantStatus.SUCCESS, {"accuracy": 0.25})
    assert desk.tasks("evaluation") == []


@pytest.mark.parametrize("is_wanted", [True, False])
def test_no_baseline_is_made_where_none_is_wanted_or_there_is_no_seed(desk: DeskHouse, is_wanted: bool) -> None:
    desk.configure(baseline={"enabled": is_wanted})
    if is_wanted:
        desk.store.set(base_commit_sha=None)
    desk.settle()
    assert desk.variants() == []


def test_a_policy_that_fails_is_reported_once_and_again_when_it_fails_anew(
    desk: DeskHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    broken = {"kind": "max_wall_time", "duration": "soon"}
    desk.configure(termination_policy=broken)
    desk.store.idea()
    orchestrator = desk.orchestrator()
    for _ in range(5):
        orchestrator.round()
    (fault,) = desk.told("experiment.policy_error")
    assert fault["policy_kind"] == "termination"
    assert fault["error_type"] == "ValueError"
    assert "'soon' is not a duration" in fault["error_message"]
    assert len(caplog.records) == 1
    assert len(desk.tasks("execution")) == 1, "the other decisions are taken all the same"
    desk.configure(termination_policy={"kind": "never_terminate"})
    orchestrator.round()
    desk.configure(termination_policy={"kind": "of another age"})
    orchestrator.round()
    orchestrator.round()
    assert [fault["error_type"] for fault in desk.told("experiment.policy_error")] == ["ValueError", "KeyError"]


def test_a_policy_about_metrics_ends_the_experiment_when_the_target_is_reached(desk: DeskHouse) -> None:
    desk.configure(termination_policy={"kind": "target_condition", "metric": "accuracy", "threshold": 0.9})
    orchestrator = desk.orchestrator()
    for number, accuracy in enumerate((0.5, 0.95), 1):
        desk.settle(orchestrator)
        assert desk.told("experiment.terminated") == []
        desk.store.evaluated(desk.store.executed(number), accuracy=accuracy)
    desk.settle(orchestrator)
    assert desk.told("experiment.terminated")[0]["reason"] == "accuracy reached 0.95; the policy stops at 0.9"
