"""Rows of the queue as the wire's records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import standing
from control_plane.scheduler.operations.naming import Naming
from control_plane.scheduler.tables import job_tags, jobs, progress
from store_client.wire.jobs import Attempt, Job, JobDetail, JobState, Progress, SubmitJob

SHARED = (
    "job_id", "number", "experiment_id", "name", "state", "role", "task_id", "priority", "commit_sha", "submitted_by",
    "run_id", "array_id", "array_index", "giving_way", "attempt", "created_at", "started_at", "ended_at", "exit_code",
    "cause", "detail",
)  # fmt: skip
OF_WAITING = ("waiting_for", "not_before")
"""What is said of a job only while it waits."""


COLUMNS = tuple(jobs.c[name] for name in (*SHARED, *OF_WAITING, "resources", "rank", "claimed_at", "waits_on"))
"""What a list needs: neither spec nor result, which may be large."""


@dataclass(frozen=True)
class InLine:
    """Where a waiting job stands, 1 for the next, and why it does not start, both as of one look."""

    place: int
    why: str | None = None


NOWHERE = InLine(0)


@dataclass(frozen=True)
class Notes:
    """What other tables know of a job."""

    position: int | None = None
    tags: tuple[str, ...] = ()
    progress: Progress | None = None
    waiting_for: str | None = None
    """Why it waits, where that is not in its row."""
    named: Mapping[str, Any] = field(default_factory=dict)
    """Whose it is, by name, and what it holds."""


def notes(tx: Tx, rows: Sequence[RowMapping], in_line: Mapping[int, InLine], naming: Naming) -> list[Notes]:
    """What other tables know of each of these jobs."""
    tags = _tags(tx, [row["job_id"] for row in rows])
    live = _progress(tx, {row["job_id"]: row["attempt"] for row in rows if JobState(row["state"]).is_on_a_slot})
    paused = standing.paused(tx, rows)
    stands = [in_line.get(row["number"], NOWHERE) for row in rows]
    return [
        Notes(
            here.place or None,
            tuple(tags.get(row["job_id"], ())),
            live.get(row["job_id"]),
            standing.PAUSED if row["job_id"] in paused else here.why,
            naming.told(row),
        )
        for row, here in zip(rows, stands, strict=True)
    ]


def _tags(tx: Tx, job_ids: Sequence[str]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    if job_ids:
        of_them = select(job_tags.c.job_id, job_tags.c.tag).where(job_tags.c.job_id.in_(job_ids))
        for row in tx.connection.execute(of_them.order_by(job_tags.c.tag)):
            tags.setdefault(row.job_id, []).append(row.tag)
    return tags


def _progress(tx: Tx, attempts: Mapping[str, int]) -> dict[str, Progress]:
    """What the running attempts last said."""
    if not attempts:
        return {}
    said = select(progress).where(progress.c.job_id.in_(attempts), progress.c.said.is_not(None))
    return {
        row["job_id"]: Progress.model_validate({"at": row["at"], **row["said"]})
        for row in tx.connection.execute(said).mappings()
        if row["said"] is not None and row["attempt"] == attempts[row["job_id"]]
    }


def spec_of(row: RowMapping) -> SubmitJob:
    """What was submitted."""
    return SubmitJob.model_validate(row["spec"])


def job(row: RowMapping, known: Notes) -> Job:
    return Job.model_validate(_shared(row, known))


def detail(row: RowMapping, tries: Sequence[RowMapping], known: Notes, log_bytes: int) -> JobDetail:
    """A job whole, with its attempts and what the last one brought back."""
    spec, result = spec_of(row), row["result"] or {}
    of_spec = ("command", "timeout_seconds", "idle_timeout_seconds", "retry", "preemption", "depends_on", "publish")
    return JobDetail.model_validate(
        {
            **_shared(row, known),
            **{name: getattr(spec, name) for name in of_spec},
            "tags": spec.tags,
            "variables": sorted(spec.environment),
            "inputs": [*sorted(spec.files), *([] if spec.stdin is None else ["-"])],
            "attempts": [Attempt.model_validate(dict(attempt)) for attempt in tries],
            "files": result.get("files", {}),
            "stdout": result.get("stdout"),
            "published_commit": result.get("published_commit"),
            "peak_memory_bytes": result.get("peak_memory_bytes"),
            "log_bytes": log_bytes,
        }
    )


def _shared(row: RowMapping, known: Notes) -> dict[str, Any]:
    is_waiting = row["state"] == JobState.QUEUED
    return {
        **{key: row[key] for key in SHARED},
        **{key: row[key] if is_waiting else None for key in OF_WAITING},
        **({"waiting_for": known.waiting_for} if known.waiting_for else {}),
        "resources": row["resources"],
        "position": known.position if is_waiting else None,
        "tags": known.tags,
        "progress": known.progress,
        **known.named,
    }
