"""Variants (protocol §3.4, §5.2, §5.3)."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue, model_validator

from store_client.wire.record import Body, OpenBody, Record
from store_client.wire.scalars import (
    Commit,
    ExperimentId,
    NonEmpty,
    Number,
    OpaqueId,
    Text,
    Timestamp,
    WorkBranch,
    WorkerId,
)


class VariantStatus(StrEnum):
    STARTING = "starting"  # its evaluation, or the failure of its execution, ends it
    SUCCESS = "success"  # the integrator writes variant_commit_sha
    ERROR = "error"
    EVALUATION_ERROR = "evaluation_error"


class Variant(Record):
    variant_id: NonEmpty
    experiment_id: ExperimentId
    kind: Literal["baseline"] | None = None
    idea_id: NonEmpty | None = None
    status: VariantStatus
    parent_commits: tuple[Commit, ...]
    branch: NonEmpty | None = None
    commit_sha: Commit | None = None
    variant_commit_sha: Commit | None = None
    artifacts_uri: NonEmpty | None = None
    executor_artifacts_uri: NonEmpty | None = None
    description: str | None = None
    evaluation: dict[str, JsonValue] | None = None
    started_at: Timestamp
    completed_at: Timestamp | None = None
    executed_by: WorkerId | None = None
    evaluated_by: WorkerId | None = None


class CreateVariant(OpenBody):
    variant_id: OpaqueId
    experiment_id: ExperimentId
    kind: Literal["baseline"] | None = None
    idea_id: OpaqueId | None = None
    status: VariantStatus
    parent_commits: tuple[Commit, ...]
    branch: WorkBranch | None = None
    commit_sha: Commit | None = None
    description: Text | None = None
    evaluation: dict[str, JsonValue] | None = None
    started_at: Timestamp
    completed_at: Timestamp | None = None

    @model_validator(mode="after")
    def _is_not_integrated(self) -> "CreateVariant":
        if "variant_commit_sha" in (self.model_extra or {}):
            raise ValueError("only integration writes variant_commit_sha")
        return self

    @model_validator(mode="after")
    def _names_an_idea(self) -> "CreateVariant":
        if self.kind is None and self.idea_id is None:
            raise ValueError("an ordinary variant names its idea_id")
        if not self.parent_commits:
            raise ValueError("a variant needs at least one parent commit")
        return self


class IntegrateVariant(Body):
    variant_commit_sha: str


class VariantDetail(Variant):
    """A variant as our own pages show it."""

    number: int = Field(description="1 for the first variant of the experiment, and so on")
    label: str = Field(description="the idea's slug, or 'baseline'")
    objective_value: Number | None = None
    is_best: bool = False
    executor_name: str | None = None
    evaluator_name: str | None = None
    evaluation_attempts: int = 0
    parents: tuple["ParentVariant", ...] = ()


class ParentVariant(Record):
    """What a parent commit is: a variant, or the base commit."""

    commit_sha: Commit
    variant_id: str | None = None
    label: str
    objective_value: Number | None = None


class VariantPage(Record):
    items: tuple[VariantDetail, ...]
    next: str | None = None
    total: int | None = None


class Lineage(Record):
    """Some variants of an experiment and what each was built on, a column each: the graph in few bytes."""

    numbers: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    statuses: str = Field(
        default="", description="a sign each: . starting, + success, * integrated, - error, ! evaluation_error"
    )
    values: tuple[Number | None, ...] = ()
    parents: tuple[tuple[int, ...], ...] = Field(default=(), description="their numbers, in the order of the commits")
    baseline: int | None = Field(default=None, description="the number of the baseline")
    best: int | None = Field(default=None, description="the number of the best so far")
    total: int = Field(default=0, description="how many variants the experiment has")
    next: int | None = Field(default=None, description="the number after which more follow")
    cursor: int = Field(default=0, description="the position in the log that this shows already")
