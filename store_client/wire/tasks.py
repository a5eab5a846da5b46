"""Tasks, claims and submissions (protocol §3.2, §4, §5.4)."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from store_client.wire.record import Body, OpenBody, Record
from store_client.wire.scalars import (
    ActorId,
    ArtifactUri,
    Commit,
    MemberId,
    NonEmpty,
    OpaqueId,
    Timestamp,
    WorkerId,
)

TaskKind = Literal["ideation", "execution", "evaluation"]
KINDS: tuple[TaskKind, ...] = ("ideation", "execution", "evaluation")
RejectReason = Literal["worker_error", "validation_error", "policy_limit"]
ReclaimCause = Literal["expired", "operator", "health_policy"]


class TaskState(StrEnum):
    PENDING = "pending"  # a worker claims it
    CLAIMED = "claimed"  # its claimant submits it, or its claim ends
    SUBMITTED = "submitted"  # the orchestrator accepts or rejects it
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_live(self) -> bool:
        return self not in {TaskState.COMPLETED, TaskState.FAILED}


class Target(Record):
    """The only worker, or group of workers, that may claim a task."""

    kind: Literal["worker", "group"]
    id: MemberId

    @model_validator(mode="after")
    def _kind_agrees(self) -> "Target":
        if self.id.startswith("wkr_") != (self.kind == "worker"):
            raise ValueError("kind and id disagree: workers are wkr_…, groups grp_…")
        return self


class ClosedTarget(Target):
    model_config = Body.model_config


class Claim(Record):
    worker_id: WorkerId
    claimed_at: Timestamp
    expires_at: Timestamp | None = None


class Task(Record):
    task_id: NonEmpty
    kind: TaskKind
    state: TaskState
    payload: dict[str, JsonValue]
    target: Target | None = None
    created_by: ActorId | None = None
    submitted_by: WorkerId | None = None
    claim: Claim | None = None
    created_at: Timestamp
    updated_at: Timestamp


class CreateTask(OpenBody):
    """A new task as its creator writes it: pending, with no claim."""

    task_id: OpaqueId
    kind: TaskKind
    state: Literal["pending"]
    payload: dict[str, JsonValue]
    target: Target | None = None
    created_at: Timestamp
    updated_at: Timestamp

    @model_validator(mode="after")
    def _has_no_claim(self) -> "CreateTask":
        if "claim" in (self.model_extra or {}):
            raise ValueError("a new task has no claim")
        return self

    @model_validator(mode="after")
    def _payload_names_its_subject(self) -> "CreateTask":
        key = SUBJECT[self.kind]
        if not isinstance(self.payload.get(key), str) or not self.payload[key]:
            raise ValueError(f"the payload of an {self.kind} task needs {key}")
        return self


SUBJECT: dict[TaskKind, str] = {"ideation": "experiment_id", "execution": "idea_id", "evaluation": "variant_id"}


class ClaimTask(Body):
    expires_at: Timestamp | None = None


class SubmitTask(Body):
    payload: dict[str, JsonValue]


class RejectTask(Body):
    reason: RejectReason


class ReclaimTask(Body):
    cause: ReclaimCause


class ReassignTask(Body):
    nulls: ClassVar[frozenset[str]] = frozenset({"new_target"})
    new_target: ClosedTarget | None
    reason: NonEmpty


class RenewClaim(Body):
    """Keep a claim for so many seconds from now."""

    seconds: float = Field(gt=0, le=86_400)


class IdeationResult(OpenBody):
    idea_ids: tuple[OpaqueId, ...]
    status: Literal["success", "error"]


class ExecutionResult(OpenBody):
    variant_id: OpaqueId
    status: Literal["success", "error"]
    commit_sha: Commit | None = None
    artifacts_uri: ArtifactUri | None = None

    @model_validator(mode="after")
    def _success_has_a_commit(self) -> "ExecutionResult":
        if self.status == "success" and self.commit_sha is None:
            raise ValueError("a successful execution names its commit_sha")
        return self


class EvaluationResult(OpenBody):
    variant_id: OpaqueId
    status: Literal["success", "error", "evaluation_error"]
    evaluation: dict[str, JsonValue] | None = None
    artifacts_uri: ArtifactUri | None = None

    @model_validator(mode="after")
    def _success_has_metrics(self) -> "EvaluationResult":
        if self.status == "success" and self.evaluation is None:
            raise ValueError("a successful evaluation carries its metrics")
        return self


RESULTS: dict[TaskKind, type[IdeationResult] | type[ExecutionResult] | type[EvaluationResult]] = {
    "ideation": IdeationResult,
    "execution": ExecutionResult,
    "evaluation": EvaluationResult,
}


class TaskDetail(Task):
    """A task as our own pages show it: with the names a person knows it by."""

    title: str = Field(description="the idea's slug, the variant's label, or what an ideation is for")
    subject_id: str | None = Field(default=None, description="idea or variant the task is about")
    priority: float = 0
    claimant_name: str | None = None
    target_name: str | None = None
    is_eligible: bool | None = Field(default=True, description="whether the caller may claim it; absent: nobody knows")
    author_id: str | None = Field(default=None, description="who had the idea behind it")
    author_name: str | None = None
    parent_commits: tuple[Commit, ...] = ()
    latest_job_id: str | None = None


class TaskPage(Record):
    """One page of tasks; `next` continues, absent on the last page."""

    items: tuple[TaskDetail, ...]
    next: str | None = None
    total: int | None = None
    is_more: bool = Field(default=False, description="whether the total is only how far was counted")
