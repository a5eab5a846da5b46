"""Ideas (protocol §3.3, §5.1)."""

from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from store_client.wire.record import OpenBody, Record
from store_client.wire.scalars import (
    AnySlug,
    ArtifactUri,
    Commit,
    ExperimentId,
    NonEmpty,
    Number,
    OpaqueId,
    Slug,
    Timestamp,
    WorkerId,
)
from store_client.wire.tasks import Target


class IdeaState(StrEnum):
    DRAFTING = "drafting"  # its author marks it ready
    READY = "ready"  # the orchestrator dispatches it
    DISPATCHED = "dispatched"  # the end of its execution task completes it
    COMPLETED = "completed"


class Idea(Record):
    idea_id: NonEmpty
    experiment_id: ExperimentId
    slug: AnySlug
    priority: Number
    parent_commits: tuple[Commit, ...]
    artifacts_uri: NonEmpty
    state: IdeaState
    intended_executor: Target | None = None
    intended_evaluator: Target | None = None
    created_at: Timestamp
    created_by: WorkerId | None = None


class CreatedIdea(Idea):
    """The answer to create_idea, with advice that nobody may depend on."""

    warnings: tuple[str, ...] | None = None


class CreateIdea(OpenBody):
    idea_id: OpaqueId
    experiment_id: ExperimentId
    slug: Slug
    priority: Number
    parent_commits: tuple[Commit, ...]
    artifacts_uri: ArtifactUri
    state: Literal["drafting"]
    intended_executor: Target | None = None
    intended_evaluator: Target | None = None
    created_at: Timestamp

    @model_validator(mode="after")
    def _has_a_parent(self) -> "CreateIdea":
        if not self.parent_commits:
            raise ValueError("an idea needs at least one parent commit")
        return self


class IdeaDetail(Idea):
    """An idea as our own pages show it."""

    author_name: str | None = None
    execution_task_id: str | None = None
    variant_ids: tuple[str, ...] = ()


class IdeaPage(Record):
    items: tuple[IdeaDetail, ...]
    next: str | None = None
    total: int | None = None
