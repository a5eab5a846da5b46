"""Bulk acts: one act on every task that a filter chooses, kept with what became of each."""

from typing import Literal

from pydantic import Field, model_validator

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ActorId, NonEmpty, Text, Timestamp
from store_client.wire.tasks import ClosedTarget, Target, TaskDetail, TaskKind, TaskState

BulkActName = Literal["take_back", "reassign"]
BulkOutcome = Literal["waiting", "done", "refused"]
MOST_AT_ONCE = 5000


class TaskChoice(Body):
    """Which tasks: those that meet every condition given; of their states only those that the act is possible in."""

    kind: TaskKind | None = None
    state: TaskState | None = None
    claimed_by: NonEmpty | None = Field(default=None, max_length=200, description="worker id, or 'me'")
    submitted_by: NonEmpty | None = Field(
        default=None, max_length=200, description="who handed it in: worker id, or 'me'"
    )
    since: Timestamp | None = Field(default=None, description="created then or later")
    until: Timestamp | None = Field(default=None, description="created then or sooner")
    q: NonEmpty | None = Field(
        default=None, max_length=300, description="words; the name of what it is about has them all"
    )

    @property
    def is_of_all(self) -> bool:
        """Whether it leaves nothing out."""
        return not self.model_dump(exclude_none=True)


class ChooseTasks(Body):
    """What to do with which tasks: take claims and results back, or give tasks to others before they are submitted."""

    act: BulkActName
    filter: TaskChoice

    @model_validator(mode="after")
    def _leaves_something_out(self) -> "ChooseTasks":
        if self.filter.is_of_all:
            raise ValueError("name a condition; an empty filter would be every task there is")
        return self


class BeginBulkAct(ChooseTasks):
    """The same, as sure as one is of it after a preview."""

    new_target: ClosedTarget | None = Field(default=None, description="who is to have the tasks; absent: anybody")
    reason: Text | None = Field(default=None, min_length=1, max_length=500)
    expected_count: int = Field(ge=0, description="refused when other than so many are concerned")
    up_to: int = Field(ge=0, lt=2**62, description="leave out tasks with higher numbers, which came later")

    @model_validator(mode="after")
    def _gives_a_reason(self) -> "BeginBulkAct":
        if self.act == "reassign" and self.reason is None:
            raise ValueError("say why the tasks are given to somebody else")
        return self


class BulkPreview(Record):
    """What an act would concern, and the first of it."""

    matched: int
    is_more: bool = Field(default=False, description="whether there may be more than one act takes or looks through")
    up_to: int = Field(description="the highest number of a task there was")
    sample: tuple[TaskDetail, ...] = ()


class BulkAct(Record):
    """One act on many tasks, which goes on by itself until it has come to each."""

    act_id: NonEmpty
    act: BulkActName
    filter: TaskChoice
    new_target: Target | None = None
    target_name: str | None = None
    reason: str | None = None
    by: ActorId
    by_name: str | None = None
    created_at: Timestamp
    ended_at: Timestamp | None = None
    total: int
    done: int
    refused: int
    undoes: str | None = Field(default=None, description="the act that this one takes back")
    undone_by: str | None = Field(default=None, description="the act that takes this one back")


class BulkActPage(Record):
    items: tuple[BulkAct, ...]
    next: str | None = None


class BulkItem(Record):
    """One task of an act, and what became of it there."""

    place: int
    task_id: NonEmpty
    title: str
    kind: TaskKind
    outcome: BulkOutcome
    detail: str | None = Field(default=None, description="why it was refused")


class BulkItemPage(Record):
    items: tuple[BulkItem, ...]
    next: str | None = None
