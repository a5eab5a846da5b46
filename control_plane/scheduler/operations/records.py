"""Rows of the queue as the wire's records."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping

from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import Attempt, Job, JobDetail, SubmitJob

SHARED = (
    "job_id", "number", "experiment_id", "name", "state", "role", "task_id", "priority", "commit_sha", "submitted_by",
    "attempt", "created_at", "started_at", "ended_at", "exit_code", "cause",
)  # fmt: skip


COLUMNS = tuple(jobs.c[name] for name in (*SHARED, "resources", "waiting_for", "rank"))
"""What a list needs: neither spec nor result, which may be large."""


def spec_of(row: RowMapping) -> SubmitJob:
    """What was submitted."""
    return SubmitJob.model_validate(row["spec"])


def job(row: RowMapping, position: int | None = None) -> Job:
    return Job.model_validate(_shared(row, position))


def detail(row: RowMapping, tries: Sequence[RowMapping], position: int | None, log_bytes: int) -> JobDetail:
    """A job whole, with its attempts and what the last one brought back."""
    spec, result = spec_of(row), row["result"] or {}
    return JobDetail.model_validate(
        {
            **_shared(row, position),
            "command": spec.command,
            "timeout_seconds": spec.timeout_seconds,
            "retry": spec.retry,
            "tags": spec.tags,
            "publish": spec.publish,
            "attempts": [Attempt.model_validate(dict(attempt)) for attempt in tries],
            "files": result.get("files", {}),
            "stdout": result.get("stdout"),
            "published_commit": result.get("published_commit"),
            "log_bytes": log_bytes,
        }
    )


def _shared(row: RowMapping, position: int | None) -> dict[str, Any]:
    shared = {key: row[key] for key in SHARED}
    is_waiting = row["state"] == "queued"
    return {
        **shared,
        "resources": row["resources"],
        "waiting_for": row["waiting_for"] if is_waiting else None,
        "position": position if is_waiting else None,
    }
