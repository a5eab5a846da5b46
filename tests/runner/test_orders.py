"""A claimed task as the job that does it."""

import json
from typing import Any

import pytest

from store_client.roles.history import entry
from store_client.roles.orders import Assignment, evaluation_job, execution_job, ideation_job
from store_client.wire.experiments import ExperimentDetail
from store_client.wire.ideas import Idea
from store_client.wire.jobs import RetryPolicy
from store_client.wire.tasks import Claim
from store_client.wire.variants import Variant, VariantDetail

EXPERIMENT, WORKER = f"exp_{'0' * 26}", f"wkr_{'1' * 26}"
BASE, COMMIT = "a" * 40, "b" * 40
NOW = "2030-01-01T00:00:00.000000Z"


def experiment(**config: Any) -> ExperimentDetail:
    return ExperimentDetail.model_validate(
        {
            "experiment_id": EXPERIMENT,
            "slug": "hello",
            "name": "Hello",
            "status": "running",
            "objective": {"expr": "error", "direction": "minimize"},
            "counts": {},
            "automation": {},
            "created_at": NOW,
            "updated_at": NOW,
            "config": config,
            "dispatch_mode": {},
            "parallel_variants": 1,
            "evaluation_schema": {"error": "real"},
            "commands": {"ideator": "python ideate.py", "executor": "python x.py", "evaluator": "python e.py"},
        }
    )


def assignment(claimed_at: str = NOW, **config: Any) -> Assignment:
    return Assignment(experiment(**config), "task-1", Claim(worker_id=WORKER, claimed_at=claimed_at))


IDEA = Idea.model_validate(
    {"idea_id": "i-1", "experiment_id": EXPERIMENT, "slug": "wider", "priority": 1, "parent_commits": [BASE, COMMIT],
     "artifacts_uri": "eden://artifacts/1", "state": "dispatched", "created_at": NOW}
)  # fmt: skip
VARIANT = {
    "variant_id": "v-1", "experiment_id": EXPERIMENT, "idea_id": "i-1", "status": "success", "commit_sha": COMMIT,
    "parent_commits": [BASE], "started_at": NOW, "evaluation": {"error": 0.5, "note": None},
}  # fmt: skip


def test_an_ideation_reads_one_line_with_the_goal_and_the_history() -> None:
    job = ideation_job(assignment(), [{"variant_id": "v-1"}])
    assert job.stdin is not None
    assert job.stdin.endswith("\n")
    assert json.loads(job.stdin) == {
        "event": "ideation",
        "task_id": "task-1",
        "experiment_id": EXPERIMENT,
        "objective": {"expr": "error", "direction": "minimize"},
        "evaluation_schema": {"error": "real"},
        "history": [{"variant_id": "v-1"}],
    }
    assert (job.commit_sha, job.is_stdout_kept, job.role) == (None, True, "ideator")


def test_an_execution_starts_from_the_first_parent_and_publishes_to_the_claimants_branch() -> None:
    job = execution_job(assignment(), IDEA, "make it wider", "v-9")
    assert job.command == ("/bin/sh", "-c", "python x.py")
    assert job.commit_sha == BASE
    assert job.publish == f"work/{WORKER}/v-9"
    assert job.files[".eden/idea.md"] == "make it wider"
    assert json.loads(job.files[".eden/task.json"]) == {
        "task_id": "task-1",
        "variant_id": "v-9",
        "idea_id": "i-1",
        "idea_slug": "wider",
        "parent_commits": [BASE, COMMIT],
        "branch": f"work/{WORKER}/v-9",
        "content_path": ".eden/idea.md",
        "output_path": ".eden/outcome.json",
    }
    assert job.collect == (".eden/outcome.json",)


def test_an_evaluation_measures_exactly_the_variants_commit() -> None:
    job = evaluation_job(assignment(), Variant.model_validate(VARIANT), "wider")
    assert (job.commit_sha, job.publish) == (COMMIT, None)
    assert json.loads(job.files[".eden/eval-task.json"]) == {
        "task_id": "task-1",
        "variant_id": "v-1",
        "commit_sha": COMMIT,
        "evaluation_schema": {"error": "real"},
        "objective": {"expr": "error", "direction": "minimize"},
        "output_path": ".eden/eval-outcome.json",
    }
    assert job.environment == {"EDEN_TASK_JSON": ".eden/eval-task.json", "EDEN_OUTPUT": ".eden/eval-outcome.json"}


def test_resources_timeout_priority_and_retries_come_from_the_config() -> None:
    limits = {"cpus": 2, "gpus": 1, "timeout_seconds": 45, "priority": 9, "retry": {"max_attempts": 5, "on": ["lost"]}}
    job = execution_job(assignment(resources={"execution": limits}), IDEA, "", "v-1")
    assert (job.resources.cpus, job.resources.gpus) == (2, 1)
    assert (job.timeout_seconds, job.priority, job.retry) == (45, 9, RetryPolicy(max_attempts=5, on=("lost",)))


@pytest.mark.parametrize(("config", "seconds"), [({}, 600), ({"execution_task_deadline": 30}, 30)])
def test_without_a_timeout_the_tasks_deadline_is_it(config: dict[str, Any], seconds: float) -> None:
    assert execution_job(assignment(**config), IDEA, "", "v-1").timeout_seconds == seconds


def test_the_same_claim_always_means_the_same_job_and_the_same_variant() -> None:
    first, again, later = assignment(), assignment(), assignment(claimed_at="2030-01-01T00:00:01.000000Z")
    assert first.key == again.key == f"task-1:{NOW}"
    assert first.variant_id == again.variant_id
    assert first.variant_id != later.variant_id
    assert first.derived_id("i", 0) != first.derived_id("i", 1)
    assert first.variant_id.startswith("v-")
    assert first.variant_id == first.variant_id.lower()


def test_a_history_entry_says_what_is_known_of_a_variant_and_nothing_else() -> None:
    variant = VariantDetail.model_validate({**VARIANT, "number": 2, "label": "wider", "objective_value": 0.5})
    assert entry(variant, "make it wider") == {
        "variant_id": "v-1",
        "slug": "wider",
        "status": "success",
        "commit_sha": COMMIT,
        "parent_commits": [BASE],
        "evaluation": {"error": 0.5, "note": None},
        "objective_value": 0.5,
        "content": "make it wider",
    }
