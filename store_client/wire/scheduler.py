"""Why jobs wait, when they may start, and how the queue stands."""

from typing import Any, Literal

from pydantic import Field

from store_client.wire.jobs import Job, JobState, QueueSummary, Resources
from store_client.wire.record import Record
from store_client.wire.scalars import ExperimentId, Timestamp

ConstraintKind = Literal[
    "dependency",  # a job that comes first has not ended
    "rest",  # it rests before its next attempt
    "paused",  # its experiment takes no new work
    "claim_ended",  # the claim of the task that it works on has ended
    "never_fits",  # no machine here has what it asks for
    "memory",  # no slot has enough memory
    "experiment_quota",
    "operator_quota",
    "breaker",  # the machine is given nothing after too many failures in a row
    "lost",  # a GPU does not answer
    "quarantined",
    "reserved",
    "draining",
    "foreign",  # a process that is not ours uses a GPU
    "held",  # other jobs hold what it needs
    "giving_way",  # jobs of lower priority give way to it
    "behind",  # what is free is kept for a job before it
    "starting",  # nothing is in its way: the scheduler has yet to look
]
ChangeKind = Literal[
    "priority", "front", "fewer_gpus", "share", "any_gpu", "whole_gpu", "gpu_memory", "fewer_cpus", "no_gpu",
    "what_there_is", "quota", "end_job", "readmit_gpu",
]  # fmt: skip


class JobBlocker(Record):
    """A job in the way, with the latest moment at which it will be out of it, where that is known."""

    job_id: str
    number: int | None = None
    until: Timestamp | None = None


class JobConstraint(Record):
    """One thing that keeps a job from starting; `used` and `limit` are a quota's numbers."""

    kind: ConstraintKind
    sentence: str
    jobs: tuple[JobBlocker, ...] = ()
    slots: tuple[str, ...] = ()
    until: Timestamp | None = None
    used: float | None = None
    limit: float | None = None


class JobChange(Record):
    """A change after which the same placement starts the job, with the values to change to."""

    kind: ChangeKind
    sentence: str
    effect: Literal["starts", "takes_over", "next", "fits"] = Field(
        description="starts: at once; takes_over: once lower priorities have given way; next: as soon as slots are "
        "free; fits: in its turn, which as it is never comes"
    )
    priority: int | None = None
    resources: Resources | None = Field(default=None, description="what to ask for instead")
    quota: float | None = Field(default=None, description="the limit to raise it to")
    quota_of: str | None = Field(default=None, description="the experiment or operator whose quota it is")
    quota_kind: Literal["gpus", "cpus", "jobs"] | None = None
    job: JobBlocker | None = Field(default=None, description="the job to cancel or to wait for")
    slot_id: str | None = None


class StartBand(Record):
    """When a waiting job starts, in eight of ten cases, as the queue stands now and by what ended jobs took."""

    earliest: Timestamp
    likely: Timestamp
    latest: Timestamp
    past_runs: int = Field(description="so many ended attempts of its kind and of those before it speak for it")


class Explanation(Record):
    """Why a job is where it is; the parts on waiting are empty for one that does not wait."""

    job_id: str
    number: int
    state: JobState
    at: Timestamp
    sentence: str
    position: int | None = Field(default=None, description="1 is next")
    waiting: int = Field(default=0, description="jobs that wait for slots, in all")
    constraints: tuple[JobConstraint, ...] = Field(default=(), description="what blocks it, the first to fall first")
    change: JobChange | None = Field(
        default=None, description="the smallest that would do; null: nothing short of waiting"
    )
    alternatives: tuple[JobChange, ...] = Field(default=(), description="others that would do")
    no_change: str | None = Field(default=None, description="why there is none, and what could help")
    start: StartBand | None = None
    no_start: str | None = Field(default=None, description="why there is no such band")


class QueuedJob(Record):
    """A waiting job with its place."""

    job: Job
    position: int | None = Field(default=None, description="null: it waits for more than a slot")
    start: StartBand | None = None


class LineHead(Record):
    """The first of the waiting jobs that are alike, and how many these are."""

    job_id: str
    number: int
    experiment_id: ExperimentId
    operator: str
    priority: int
    resources: Resources
    waiting: int


class ExperimentLoad(Record):
    """What an experiment has of the queue at the moment, and its part of it."""

    experiment_id: ExperimentId
    name: str
    slug: str
    running: int = Field(description="jobs on slots")
    waiting: int = Field(description="jobs that stand in line")
    gpus: float = Field(description="held now; a share of a GPU counts as its part")
    cpus: int
    weight: float = Field(default=1, description="its part of the queue beside other experiments")
    used_seconds: float = Field(default=0, description="as `used_seconds` of its share")


class Ranking(Record):
    """The policy in force, in short."""

    ageing_seconds: float
    starvation_seconds: float
    may_preempt: bool
    weights: dict[str, float] = Field(default_factory=dict)


class SchedulerStatus(Record):
    """How the queue stands, and a page of the waiting jobs in the order of placement.

    For ARC's clients the counts travel under ARC's names, too: `queue_length`, `running_jobs`, `available_gpus`, and
    `timestamp`. Its `gpu_statuses` are at /api/scheduler/gpus, its `queued_jobs` are the `items`.
    """

    at: Timestamp
    summary: QueueSummary
    states: dict[str, int] = Field(description="how many jobs are in each state")
    policy: Ranking
    heads: tuple[LineHead, ...] = ()
    loads: tuple[ExperimentLoad, ...] = Field(
        default=(), description="the experiments that run or wait here, those that hold most first; a dozen at most"
    )
    no_start: str | None = Field(default=None, description="why the jobs have no band of starts")
    items: tuple[QueuedJob, ...] = ()
    next: str | None = None
    total: int = Field(description="jobs that wait for slots")

    def to_wire(self) -> dict[str, Any]:
        told = {
            "queue_length": self.states.get(JobState.QUEUED, 0),
            "running_jobs": sum(self.states.get(state, 0) for state in JobState if state.is_on_a_slot),
            "available_gpus": self.summary.slots_free if self.summary.unit == "GPUs" else 0,
            "timestamp": self.at,
        }
        return {**super().to_wire(), **told}
