"""Many jobs at once: submitted together, chosen by a filter, made from an array, or put into another order."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from store_client.wire.jobs import ExitCause, Job, JobState, SubmitJob
from store_client.wire.record import Body, Record
from store_client.wire.scalars import Commit, ExperimentId, NonEmpty, Timestamp

ActName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]


class QueueJob(SubmitJob):
    """A job, and the experiment that it belongs to."""

    experiment_id: ExperimentId


class SubmitJobs(Body):
    """Up to a thousand jobs, all of them or none."""

    jobs: tuple[SubmitJob, ...] = Field(min_length=1, max_length=1000)


class QueueJobs(Body):
    """Up to a thousand jobs of any experiments, all of them or none."""

    jobs: tuple[QueueJob, ...] = Field(min_length=1, max_length=1000)


class SubmittedJobs(Record):
    """The jobs, in the order in which they were given; of an array its first."""

    jobs: tuple[Job, ...]


class JobFilter(Body):
    """Which jobs: those that meet every condition given."""

    experiment_id: NonEmpty | None = None
    states: tuple[JobState, ...] = ()
    is_open: bool | None = Field(default=None, description="true: waiting and running only; false: ended only")
    tag: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    run_id: NonEmpty | None = None
    array_id: NonEmpty | None = None
    act_id: ActName | None = Field(default=None, description="those that one act on many cancelled, as they are now")
    submitted_by: NonEmpty | None = None
    cause: ExitCause | None = None
    name: NonEmpty | None = Field(default=None, max_length=200, description="what the name begins with")

    @property
    def is_of_all(self) -> bool:
        """Whether it leaves nothing out."""
        return not self.to_wire().keys() - {"states"} and not self.states


class ListedJobs(JobFilter):
    """Which jobs a list shows: of arrays perhaps one, in the queue the next, else the first; or what ended last."""

    is_collapsed: bool = False
    by_end: bool = False


class ChosenJobs(Body):
    """Jobs that a filter chooses, and how sure one is of it."""

    filter: JobFilter
    is_preview: bool = Field(default=False, description="only count")
    expected_count: int | None = Field(default=None, ge=0, description="refused when other than so many are concerned")
    up_to: int | None = Field(
        default=None, ge=1, lt=2**62, description="leave out jobs with higher numbers, which came later"
    )

    @model_validator(mode="after")
    def _leaves_something_out(self) -> "ChosenJobs":
        if self.filter.is_of_all:
            raise ValueError("name a condition; an empty filter would be every job there is")
        return self


class CancelJobs(ChosenJobs):
    """Cancel the open jobs that a filter chooses; a part of many, to be sent again until none is left."""

    act_id: ActName | None = Field(
        default=None, description="kept with each job that is cancelled, to find them by; the caller makes it up"
    )


class ReprioritiseJobs(ChosenJobs):
    """Give the waiting jobs that a filter chooses another priority; a part of many, to be sent again."""

    priority: int = Field(ge=0, le=10)


class ChangedJobs(Record):
    """How many jobs an act on a filter concerns, and how far it came."""

    matched: int = Field(description="before this call")
    changed: int = Field(description="by this call")
    left: int = Field(description="send the call again until this is 0")
    up_to: int = Field(description="the highest number of a job there was; send it along to leave out later ones")


class MoveJob(Body):
    """Where a waiting job goes among those of its priority."""

    before: NonEmpty | None = Field(default=None, description="a waiting job of the same priority")
    after: NonEmpty | None = Field(default=None, description="a waiting job of the same priority")
    to: Literal["front", "back"] | None = None
    with_array: bool = Field(
        default=False,
        description="all of its array that waits at this priority, in order; and beside all of that of another",
    )

    @model_validator(mode="after")
    def _names_one_place(self) -> "MoveJob":
        if sum(place is not None for place in (self.before, self.after, self.to)) != 1:
            raise ValueError("name one place: before, after or to")
        return self


class ArrayDetail(Record):
    """An array: jobs of one spec, told apart by their index; they are made as those before them start."""

    array_id: NonEmpty
    number: int = Field(description="of its first job")
    experiment_id: ExperimentId
    name: str
    submitted_by: str
    commit_sha: Commit
    priority: int
    tags: tuple[str, ...] = ()
    run_id: str | None = None
    size: int
    made: int = Field(description="jobs that exist so far")
    ended: int
    succeeded: int
    states: dict[JobState, int] = Field(description="how many of those that exist are in each state")
    is_cancelled: bool = Field(description="no more jobs are made")
    acts: tuple[str, ...] = Field(
        default=(), description="the acts on many jobs that cancelled it; it goes on when all of them are taken back"
    )
    has_ended: bool
    created_at: Timestamp


class ReopenArrays(Body):
    """Let the arrays that an act on many jobs cancelled make the rest of their jobs after all."""

    act_id: ActName
    is_preview: bool = Field(default=False, description="only count")
    after: int | None = Field(default=None, ge=0, lt=2**62, description="the `next` of the part before")


class ReopenedArrays(Record):
    """What became of some of them."""

    reopened: int = Field(description="or would be, in a preview")
    to_come: int = Field(description="jobs that are yet to be made of them")
    refused: tuple[str, ...] = Field(
        default=(), description="those that stay cancelled, each by the number of its first job, with the reason"
    )
    next: int | None = Field(default=None, description="there are more; send it as `after`")
