"""Jobs, attempts and slots: the one queue."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from store_client.wire.record import Body, Record
from store_client.wire.scalars import Commit, ExperimentId, NonEmpty, OpaqueId, Text, Timestamp, WorkBranch

MAX_FILES_BYTES = 1024 * 1024


class JobState(StrEnum):
    QUEUED = "queued"  # the scheduler places it
    STARTING = "starting"  # its slots are held; the engine launches it
    RUNNING = "running"  # its process ends, times out or is cancelled
    CANCELLING = "cancelling"  # its processes are being ended
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    PREEMPTED = "preempted"  # the scheduler queues it again
    LOST = "lost"  # the scheduler queues it again while it has retries

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES

    @property
    def is_on_a_slot(self) -> bool:
        return self in {JobState.STARTING, JobState.RUNNING, JobState.CANCELLING}


FINAL_STATES = frozenset(
    {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT, JobState.OUT_OF_MEMORY, JobState.LOST}
)
ExitCause = Literal[
    "finished",
    "user_error",
    "timeout",
    "cancelled",
    "out_of_memory",
    "node_lost",
    "start_failed",
    "preempted",
    "dependency_failed",
    "experiment_ended",
]


class Resources(Body):
    """What an attempt needs on one machine, all of it or nothing."""

    gpus: int = Field(default=0, ge=0, le=64, description="whole GPUs, or slices with a mig_profile")
    gpus_where_present: int = Field(default=0, ge=0, le=64, description="instead, on a machine that has so many GPUs")
    gpu_memory_bytes: int = Field(default=0, ge=0, description="of each GPU; what a share reserves of it")
    gpu_share: float | None = Field(default=None, gt=0, lt=1, description="this part of one GPU instead of all of it")
    mig_profile: NonEmpty | None = Field(default=None, description="a slice of this kind instead of a GPU, as 1g.10gb")
    only_gpus: tuple[NonEmpty, ...] = Field(default=(), description="UUIDs or numbers of the GPUs that will do")
    cpus: int = Field(default=1, ge=1, le=1024)
    memory_bytes: int = Field(default=0, ge=0, description="of the machine, for all its processes together")

    @model_validator(mode="after")
    def _parts_are_of_one_gpu(self) -> "Resources":
        if self.gpu_share is not None and self.mig_profile is not None:
            raise ValueError("ask for a share of a GPU or for a slice of it, not for both")
        most = max(self.gpus, self.gpus_where_present)
        if (self.gpu_share is not None or self.mig_profile is not None) and most != 1:
            raise ValueError("a share or a slice is of one GPU: set gpus (or gpus_where_present) to 1")
        return self


class RetryPolicy(Body):
    """How often a lost attempt, or also a failed one, is tried again, and how long it rests before."""

    max_attempts: int = Field(
        default=3,
        ge=1,
        le=20,
        description="attempts of its own; those lost with a machine are none, but 1 is never twice",
    )
    on: tuple[Literal["lost", "failed", "timed_out", "out_of_memory"], ...] = ("lost",)
    delay_seconds: float = Field(
        default=0,
        ge=0,
        le=86_400,
        description="before the second try; doubles with each; up to a quarter less, by chance",
    )
    max_delay_seconds: float = Field(default=3600, ge=0, le=86_400)


class Dependency(Body):
    """A job, or all of an array, that comes first."""

    job_id: NonEmpty
    when: Literal["succeeded", "ended"] = "succeeded"


class Preemption(Body):
    """How a job gives way to one of higher priority: it is told, may keep a checkpoint, and waits again."""

    signal: Literal["SIGTERM", "SIGUSR1", "SIGUSR2", "SIGINT"] = "SIGTERM"
    grace_seconds: float = Field(default=30, ge=0, le=3600, description="from the signal until all of it is ended")


class SubmitJob(Body):
    """A command to run on one pinned commit."""

    name: NonEmpty = Field(max_length=200)
    command: tuple[Text, ...] = Field(min_length=1, description="argv; a role's shell string is ['/bin/sh', '-c', …]")
    commit_sha: Commit | None = Field(default=None, description="pinned commit; absent: the experiment's base commit")
    environment: dict[str, Text] = Field(default_factory=dict, description="extra variables, never secrets")
    files: dict[str, Text] = Field(default_factory=dict, description="relative path to text, written before the start")
    stdin: Text | None = None
    is_stdout_kept: bool = Field(default=False, description="keep standard output apart and return it in `stdout`")
    collect: tuple[str, ...] = Field(default=(), description="relative paths read back as text after the end")
    publish: WorkBranch | None = Field(default=None, description="branch that receives the resulting commit")
    parents: tuple[Commit, ...] = Field(
        default=(), max_length=50, description="that commit descends from these too, as from the pinned one"
    )
    resources: Resources = Resources()
    priority: int = Field(default=5, ge=0, le=10)
    timeout_seconds: float = Field(default=3600, gt=0, le=30 * 86_400)
    idle_timeout_seconds: float | None = Field(default=None, gt=0, description="end it after so long without a word")
    retry: RetryPolicy = RetryPolicy()
    preemption: Preemption | None = Field(default=None, description="absent: the job is never taken off its slots")
    depends_on: tuple[Dependency, ...] = Field(default=(), max_length=100)
    array: int | None = Field(default=None, ge=1, le=1_000_000, description="so many jobs, told apart by their index")
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(default=(), max_length=20)
    run_id: OpaqueId | None = Field(default=None, description="the run this job belongs to")
    task_id: OpaqueId | None = Field(default=None, description="the claimed task this job works on")
    role: Literal["ideator", "executor", "evaluator"] | None = None
    idempotency_key: NonEmpty | None = Field(default=None, max_length=300)

    @model_validator(mode="after")
    def _files_are_bounded(self) -> "SubmitJob":
        if sum(len(text.encode()) for text in self.files.values()) > MAX_FILES_BYTES:
            raise ValueError("files may hold 1 MiB in all; put more into the repository")
        return self


class Progress(Record):
    """What a running job last said of itself; the parts it leaves out are null."""

    at: Timestamp
    fraction: float | None = Field(default=None, description="0 to 1")
    step: float | None = None
    steps: float | None = None
    message: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict, description="the newest value of each")


class Attempt(Record):
    number: int
    state: JobState
    slots: tuple[str, ...] = ()
    node: str | None = Field(default=None, description="the machine; null is the one the scheduler runs on")
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    exit_code: int | None = None
    cause: ExitCause | None = None
    detail: str | None = None
    late: str | None = Field(default=None, description="an ending that came after it had ended; it changed nothing")


class Job(Record):
    """A job as lists show it."""

    job_id: NonEmpty
    number: int = Field(description="small, for people; unique in the deployment")
    experiment_id: ExperimentId
    name: str
    state: JobState
    role: str | None = None
    task_id: str | None = None
    priority: int
    resources: Resources
    commit_sha: Commit
    submitted_by: str
    tags: tuple[str, ...] = ()
    run_id: str | None = None
    array_id: str | None = None
    array_index: int | None = Field(default=None, description="counts from 0")
    not_before: Timestamp | None = Field(default=None, description="it rests until then before its next attempt")
    progress: Progress | None = None
    attempt: int = Field(description="number of the current or last attempt; 0 before the first")
    slots: tuple[str, ...] = Field(default=(), description="what the current attempt holds; not in answers to changes")
    node: str | None = Field(default=None, description="the machine of these slots; absent: the scheduler's own")
    experiment_name: str | None = Field(default=None, description="absent in answers to changes, as the next three")
    experiment_slug: str | None = None
    operator_id: str | None = Field(default=None, description="the person behind the worker that submitted it")
    submitter_name: str | None = None
    created_at: Timestamp
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    exit_code: int | None = None
    cause: ExitCause | None = None
    detail: str | None = Field(default=None, description="how it ended, in words")
    giving_way: str | None = Field(default=None, description="why it is taken off its slots, to be queued again")
    waiting_for: str | None = Field(default=None, description="why it is not running, in a sentence")
    position: int | None = Field(
        default=None,
        description="in the order of placement, 1 is next; null: not in line, far behind, or the answer to a change",
    )


class JobDetail(Job):
    command: tuple[str, ...]
    timeout_seconds: float
    idle_timeout_seconds: float | None = None
    retry: RetryPolicy
    preemption: Preemption | None = None
    depends_on: tuple[Dependency, ...] = ()
    publish: str | None = None
    variables: tuple[str, ...] = Field(default=(), description="the names of those that it was given")
    inputs: tuple[str, ...] = Field(default=(), description="the files written before its start; `-` for its input")
    attempts: tuple[Attempt, ...] = ()
    files: dict[str, str] = Field(default_factory=dict, description="collected files; a missing one is absent")
    stdout: str | None = None
    published_commit: Commit | None = None
    peak_memory_bytes: int | None = Field(default=None, description="of its processes together, in the last attempt")
    log_bytes: int = 0


class JobPage(Record):
    items: tuple[Job, ...]
    next: str | None = None
    total: int | None = None


class LogSlice(Record):
    """Text of a log from a byte offset; `next_offset` continues; `is_complete` when no more will come."""

    text: str
    offset: int
    next_offset: int
    is_complete: bool
    attempt: int


class Reprioritise(Body):
    priority: int = Field(ge=0, le=10)


class QueueSummary(Record):
    """The fleet in one line."""

    slots_total: int
    slots_busy: int
    slots_free: int = Field(default=0, description="held by nobody, and given out")
    unit: Literal["GPUs", "CPU slots"]
    waiting: int
    running: int


class SlotInfo(Record):
    """One GPU or CPU slot and who holds it."""

    slot_id: str
    kind: Literal["gpu", "mig", "cpu"]
    name: str
    node: str | None = Field(default=None, description="the machine; absent: the scheduler's own")
    state: str = Field(default="usable", description="usable, foreign, lost, quarantined, reserved or draining")
    why: str | None = Field(default=None, description="why it is not given out, in a sentence")
    job_id: str | None = None
    job_number: int | None = None
    experiment_id: ExperimentId | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilisation_percent: int | None = None
    temperature_celsius: int | None = None
    power_watts: float | None = None
    is_foreign: bool = Field(default=False, description="used by a process that is not ours")
    is_lost: bool = False


class Fleet(Record):
    summary: QueueSummary
    slots: tuple[SlotInfo, ...]
