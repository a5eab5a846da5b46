"""What came of a training: the state of its job in ARC's words, and the report that its command left."""

import json
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from control_plane.training.rules.orders import RESULT
from store_client.wire.arc import TrainingJobConfig
from store_client.wire.gpus import GpuInfo
from store_client.wire.jobs import JobDetail
from store_client.wire.scalars import parse_time
from store_client.wire.trainings import (
    STATUS,
    ExperimentResult,
    JobStatus,
    TrainingDetails,
    TrainingReport,
    TrainingStatus,
)


def status(training: TrainingJobConfig, job: JobDetail, gpus: Collection[GpuInfo]) -> TrainingStatus:
    """A training as it stands."""
    report, fault = read(job)
    standing = STATUS[job.state]
    if standing is JobStatus.COMPLETED and fault is not None:
        standing = JobStatus.FAILED
    message = report.error_message or fault or _why(job)
    shared = {
        "job_id": training.job_id,
        "experiment_id": training.experiment_spec.experiment_id,
        "status": standing,
        "gpu_id": _gpu(job, gpus),
        "started_at": job.started_at,
        "completed_at": job.ended_at,
        "retry_count": max(0, job.attempt - 1),
        "error_message": message,
    }
    return TrainingStatus(status=standing, details=_details(job, shared), result=_result(training, job, report, shared))


def read(job: JobDetail) -> tuple[TrainingReport, str | None]:
    """The report of an ended training, and what is wrong with it; nothing is wrong before the end."""
    text = job.files.get(RESULT)
    if text is None:
        return TrainingReport(), f"it left no {RESULT}" if job.state.is_final else None
    try:
        return TrainingReport.model_validate(json.loads(text)), None
    except (ValueError, ValidationError) as error:
        said = str(error).partition("\n")[0]
        return TrainingReport(), f"its {RESULT} cannot be read: {said}"


def _why(job: JobDetail) -> str | None:
    """What is known of an attempt that went wrong."""
    last = job.attempts[-1] if job.attempts else None
    if last is None or STATUS[job.state] is JobStatus.COMPLETED:
        return None
    return last.detail or (f"exit status {last.exit_code}" if last.exit_code else None)


def _gpu(job: JobDetail, gpus: Collection[GpuInfo]) -> int | None:
    """The number of the one GPU that its last attempt had."""
    slots = set(job.attempts[-1].slots) if job.attempts else set()
    return next((gpu.index for gpu in gpus if gpu.uuid in slots), None)


def _details(job: JobDetail, shared: dict[str, Any]) -> TrainingDetails:
    return TrainingDetails(
        **shared,
        priority=job.priority,
        queued_at=job.created_at,
        queue_position=job.position,
        waiting_for=job.waiting_for,
        runs_in=job.experiment_id,
        queue_job_id=job.job_id,
    )


def _result(
    training: TrainingJobConfig, job: JobDetail, report: TrainingReport, shared: dict[str, Any]
) -> ExperimentResult:
    told = {name: getattr(report, name) for name in TrainingReport.model_fields}
    return ExperimentResult(
        **{
            **told,
            **shared,
            "duration_seconds": _seconds(job),
            "log_file_path": f"/api/jobs/{job.job_id}/log" if job.attempt else None,
            "experiment_spec": training.experiment_spec,
        }
    )


def _seconds(job: JobDetail) -> float | None:
    if job.started_at is None or job.ended_at is None:
        return None
    return max(0.0, (parse_time(job.ended_at) - parse_time(job.started_at)).total_seconds())
