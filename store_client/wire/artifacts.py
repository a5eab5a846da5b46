"""Artifacts (protocol §9)."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import ActorId, ArtifactUri, NonEmpty, Timestamp
from store_client.wire.tasks import TaskKind


class DepositedArtifact(Record):
    artifacts_uri: NonEmpty
    size_bytes: int
    content_type: NonEmpty


class ArtifactInfo(Record):
    artifacts_uri: ArtifactUri
    filename: str
    size_bytes: int
    content_type: NonEmpty
    sha256: str
    created_by: ActorId
    created_at: Timestamp


class Citation(Record):
    """What an artifact belongs to: a variant, or an idea, else the task that it was handed in for."""

    kind: Literal["variant", "idea", "task"]
    id: NonEmpty
    title: str | None = Field(default=None, description="what it is called: an idea's slug, a variant's label")
    task_kind: TaskKind | None = None


class ArtifactLine(ArtifactInfo):
    by_name: str | None = Field(default=None, description="of the worker who left it")
    cited_by: Citation | None = Field(default=None, description="absent while nothing cites it; then it is removed")


class ArtifactPage(Record):
    items: tuple[ArtifactLine, ...]
    next: str | None = None
