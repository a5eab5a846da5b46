"""Trainings: a stored spec, its schedule as a job of the queue, and what came of it, as ARC asks for them."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from store_client.wire.arc import ExperimentSpec, SafeId, TrainingJobConfig
from store_client.wire.jobs import JobState
from store_client.wire.record import Body, Record
from store_client.wire.scalars import ExperimentId, NonEmpty, Number, Text, Timestamp


class JobStatus(StrEnum):
    """Where a training is, in ARC's words."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    OOM = "oom"


STATUS: dict[JobState, JobStatus] = {
    JobState.QUEUED: JobStatus.QUEUED,
    JobState.STARTING: JobStatus.RUNNING,
    JobState.RUNNING: JobStatus.RUNNING,
    JobState.CANCELLING: JobStatus.RUNNING,
    JobState.SUCCEEDED: JobStatus.COMPLETED,
    JobState.FAILED: JobStatus.FAILED,
    JobState.CANCELLED: JobStatus.CANCELLED,
    JobState.TIMED_OUT: JobStatus.TIMEOUT,
    JobState.OUT_OF_MEMORY: JobStatus.OOM,
    JobState.PREEMPTED: JobStatus.QUEUED,
    JobState.LOST: JobStatus.FAILED,
}
"""What each state of a job is called there."""


class MetricType(StrEnum):
    AUC = "auc"
    ACCURACY = "accuracy"
    SENSITIVITY = "sensitivity"
    SPECIFICITY = "specificity"
    F1_SCORE = "f1_score"
    PRECISION = "precision"
    RECALL = "recall"
    LOSS = "loss"


class MetricResult(Record):
    metric_type: MetricType
    value: Number
    epoch: int = Field(ge=0)
    split: NonEmpty = "val"


class CheckpointInfo(Record):
    checkpoint_path: NonEmpty
    epoch: int = Field(ge=0)
    metrics: tuple[MetricResult, ...] = ()
    is_best: bool = False
    created_at: NonEmpty | None = None


class TrainingReport(Record):
    """What the command leaves in `.switchyard/result.json`; what it leaves out stays unknown."""

    metrics: tuple[MetricResult, ...] = ()
    best_metrics: dict[str, Number] = Field(default_factory=dict)
    final_metrics: dict[str, Number] = Field(default_factory=dict)
    checkpoints: tuple[CheckpointInfo, ...] = ()
    best_checkpoint_path: NonEmpty | None = None
    peak_memory_mb: Number | None = Field(default=None, ge=0)
    epochs_completed: int = Field(default=0, ge=0)
    error_message: Text | None = None


class ExperimentResult(TrainingReport):
    """A training as it stands: its status, and what it reported."""

    experiment_id: SafeId
    job_id: SafeId
    status: JobStatus
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    duration_seconds: float | None = Field(default=None, ge=0)
    log_file_path: str | None = Field(default=None, description="where this server answers with the log")
    gpu_id: int | None = Field(default=None, description="of its last attempt; null before, and without a GPU")
    retry_count: int = Field(default=0, ge=0)
    experiment_spec: ExperimentSpec

    nulls: ClassVar[frozenset[str]] = frozenset(
        {
            "best_checkpoint_path", "peak_memory_mb", "error_message", "started_at", "completed_at", "duration_seconds",
            "log_file_path", "gpu_id",
        }
    )  # fmt: skip


class CreateTraining(Body):
    """A spec to store; one that is there stays as it is."""

    experiment_spec: ExperimentSpec
    cycle_id: int | None = Field(default=None, ge=0, description="absent: the spec's; another one is refused")


class TrainingCreated(Record):
    status: Literal["created"] = "created"
    experiment_id: SafeId
    experiment_spec: ExperimentSpec = Field(description="as it is stored, defaults included")
    created_at: Timestamp


class ScheduleTraining(Body):
    """A spec to run."""

    job_config: TrainingJobConfig
    priority: int | None = Field(default=None, ge=0, le=10, description="absent: the spec's")
    cycle_id: int | None = Field(default=None, ge=0, description="absent: the spec's; another one is refused")
    experiment: NonEmpty | None = Field(
        default=None, max_length=200, description="id or slug of where the job runs; absent: the deployment's default"
    )
    command: tuple[Text, ...] | None = Field(
        default=None, min_length=1, description="argv; absent: the training_command of the experiment's config"
    )


class TrainingScheduled(Record):
    status: Literal["scheduled"] = "scheduled"
    job_id: SafeId
    experiment_id: SafeId
    priority: int
    queue_position: int | None = Field(default=None, description="1 is next; null when it does not wait")
    available_gpus: tuple[int, ...] = Field(description="indices of the GPUs that are free now")
    runs_in: ExperimentId = Field(description="the experiment of this server that the job runs in")
    queue_job_id: NonEmpty = Field(description="the job of the queue, under /api/jobs")

    nulls: ClassVar[frozenset[str]] = frozenset({"queue_position"})


class TrainingDetails(Record):
    """What ARC's scheduler says of a job."""

    job_id: SafeId
    experiment_id: SafeId
    priority: int
    status: JobStatus
    gpu_id: int | None = None
    queued_at: Timestamp
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    retry_count: int = 0
    error_message: str | None = None
    queue_position: int | None = Field(default=None, description="1 is next; null when it does not wait")
    waiting_for: str | None = Field(default=None, description="why it is not running, in a sentence")
    runs_in: ExperimentId
    queue_job_id: NonEmpty

    nulls: ClassVar[frozenset[str]] = frozenset(
        {"gpu_id", "started_at", "completed_at", "error_message", "queue_position", "waiting_for"}
    )


class TrainingStatus(Record):
    status: JobStatus
    details: TrainingDetails
    result: ExperimentResult


class TrainingCancelled(Record):
    status: Literal["cancelled", "cancelling"] = Field(description="cancelling while its processes are being ended")
    job_id: SafeId
