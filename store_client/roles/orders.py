"""Jobs for claimed tasks: files, standard input, limits and the branch that receives the work."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ulid import ULID

from store_client.wire.experiments import ExperimentDetail, Role
from store_client.wire.ideas import Idea
from store_client.wire.jobs import Resources, RetryPolicy, SubmitJob
from store_client.wire.scalars import parse_time
from store_client.wire.tasks import Claim, TaskKind
from store_client.wire.variants import Variant

KIND_OF: Mapping[Role, TaskKind] = {"ideator": "ideation", "executor": "execution", "evaluator": "evaluation"}
ROLE_OF: Mapping[TaskKind, Role] = {kind: role for role, kind in KIND_OF.items()}
DEADLINE_SECONDS: Mapping[TaskKind, float] = {"ideation": 120, "execution": 600, "evaluation": 300}
PRIORITY: Mapping[TaskKind, int] = {"ideation": 5, "execution": 5, "evaluation": 6}
"""Evaluations go first among equals: they finish what has been begun."""

TASK, IDEA, OUTCOME = ".eden/task.json", ".eden/idea.md", ".eden/outcome.json"
EVALUATION_TASK, EVALUATION_OUTCOME = ".eden/eval-task.json", ".eden/eval-outcome.json"
MAX_IDEA_CHARACTERS = 200_000
MAX_HEADLINE_CHARACTERS = 300


@dataclass(frozen=True)
class Assignment:
    """A task of an experiment, and the claim under which it is worked on."""

    experiment: ExperimentDetail
    task_id: str
    claim: Claim

    @property
    def key(self) -> str:
        """Names this piece of work: one task under one claim has one job."""
        return f"{self.task_id}:{self.claim.claimed_at}"

    def derived_id(self, prefix: str, number: int = 0) -> str:
        """An id that the same work always derives again, so that doing a step twice changes nothing."""
        moment = int(parse_time(self.claim.claimed_at).timestamp() * 1000)
        seed = f"{self.experiment.experiment_id}:{self.claim.worker_id}:{self.key}:{prefix}:{number}"
        ulid = ULID.from_bytes(moment.to_bytes(6, "big") + hashlib.sha256(seed.encode()).digest()[:10])
        return f"{prefix}-{str(ulid).lower()}"

    @property
    def variant_id(self) -> str:
        """The variant that an execution makes."""
        return self.derived_id("v")

    def branch(self, variant_id: str) -> str:
        """Where the work on a variant is published: the claimant's own."""
        return f"work/{self.claim.worker_id}/{variant_id}"


def ideation_job(assignment: Assignment, history: Sequence[Mapping[str, Any]]) -> SubmitJob:
    """Asks the experiment's ideator for ideas, in the base commit."""
    experiment = assignment.experiment
    request = {
        "event": "ideation",
        "task_id": assignment.task_id,
        "experiment_id": experiment.experiment_id,
        "objective": experiment.objective.to_wire(),
        "evaluation_schema": experiment.evaluation_schema,
        "history": list(history),
    }
    return _job(assignment, "ideation", name="Propose ideas", stdin=json.dumps(request) + "\n", is_stdout_kept=True)


def execution_job(assignment: Assignment, idea: Idea, text: str, variant_id: str) -> SubmitJob:
    """Has the experiment's executor turn an idea into a commit on the claimant's own branch."""
    branch = assignment.branch(variant_id)
    request = {
        "task_id": assignment.task_id,
        "variant_id": variant_id,
        "idea_id": idea.idea_id,
        "idea_slug": idea.slug,
        "parent_commits": list(idea.parent_commits),
        "branch": branch,
        "content_path": IDEA,
        "output_path": OUTCOME,
    }
    return _job(
        assignment,
        "execution",
        name=f"Execute {idea.slug}"[:200],
        commit_sha=idea.parent_commits[0],
        files={TASK: json.dumps(request, indent=2), IDEA: text[:MAX_IDEA_CHARACTERS]},
        environment={"EDEN_TASK_JSON": TASK, "EDEN_OUTPUT": OUTCOME},
        collect=(OUTCOME,),
        publish=branch,
        parents=idea.parent_commits[1:],
    )


def evaluation_job(assignment: Assignment, variant: Variant, label: str) -> SubmitJob:
    """Has the experiment's evaluator measure exactly the variant's commit."""
    experiment = assignment.experiment
    request = {
        "task_id": assignment.task_id,
        "variant_id": variant.variant_id,
        "commit_sha": variant.commit_sha,
        "evaluation_schema": experiment.evaluation_schema,
        "objective": experiment.objective.to_wire(),
        "output_path": EVALUATION_OUTCOME,
    }
    return _job(
        assignment,
        "evaluation",
        name=f"Evaluate {label}"[:200],
        commit_sha=variant.commit_sha,
        files={EVALUATION_TASK: json.dumps(request, indent=2)},
        environment={"EDEN_TASK_JSON": EVALUATION_TASK, "EDEN_OUTPUT": EVALUATION_OUTCOME},
        collect=(EVALUATION_OUTCOME,),
    )


def _job(assignment: Assignment, kind: TaskKind, **particulars: Any) -> SubmitJob:
    """What the jobs of all roles share: the command, its limits, and the claim they work under."""
    experiment, role = assignment.experiment, ROLE_OF[kind]
    limits = limits_of(experiment.config, kind)
    return SubmitJob(
        command=("/bin/sh", "-c", experiment.commands[role]),
        resources=Resources.model_validate({key: limits[key] for key in Resources.model_fields if key in limits}),
        priority=limits.get("priority", PRIORITY[kind]),
        timeout_seconds=limits["timeout_seconds"],
        retry=RetryPolicy.model_validate(limits.get("retry") or {}),
        tags=(kind,),
        task_id=assignment.task_id,
        role=role,
        idempotency_key=assignment.key,
        **particulars,
    )


def limits_of(config: Mapping[str, Any], kind: TaskKind) -> dict[str, Any]:
    """The config's `resources` of this kind of task; its deadline is the timeout where they name none."""
    limits = dict((config.get("resources") or {}).get(kind) or {})
    limits.setdefault("timeout_seconds", config.get(f"{kind}_task_deadline") or DEADLINE_SECONDS[kind])
    return {key: value for key, value in limits.items() if value is not None}


def headline(text: str) -> str:
    """The first line of an idea's text, which says in a sentence what it changes."""
    lines = (line.strip().lstrip("#").strip() for line in text.splitlines())
    return next((line for line in lines if line), "").replace("`", "")[:MAX_HEADLINE_CHARACTERS]
