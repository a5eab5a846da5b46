"""Drafts: what a person has entered for a task and not handed in yet; and what somebody has at hand."""

from typing import Annotated

from pydantic import Field, StringConstraints

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ArtifactUri, Text, Timestamp
from store_client.wire.tasks import TaskDetail

MOST_FIELDS, MOST_FILES = 1000, 200
FieldName = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class KeptFile(Body):
    """A deposited file that goes with a draft, and the field of the form that it was chosen in."""

    field: FieldName
    artifacts_uri: ArtifactUri


class DraftFile(Record):
    field: str
    artifacts_uri: ArtifactUri
    filename: str
    size_bytes: int
    content_type: str


class SaveDraft(Body):
    """A whole draft in the place of the version it was made from; 0 is none."""

    version: int = Field(ge=0, lt=2**53)
    fields: dict[FieldName, Text] = Field(max_length=MOST_FIELDS)
    files: tuple[KeptFile, ...] = Field(default=(), max_length=MOST_FILES)


class Draft(Record):
    task_id: str
    version: int = Field(description="moves up at every save")
    fields: dict[str, str]
    files: tuple[DraftFile, ...] = ()
    updated_at: Timestamp


class WorkItem(Record):
    """A task that somebody holds, or has a draft for."""

    experiment_id: str
    task: TaskDetail
    is_mine: bool = Field(description="whether the caller holds it now")
    drafted_at: Timestamp | None = None
    excerpt: str = Field(default="", description="how the longest text of the draft begins")


class Work(Record):
    """What the caller has at hand: claims by the time left, then drafts of other tasks, newest first."""

    items: tuple[WorkItem, ...]
    is_cut: bool = Field(default=False, description="whether there is more")
