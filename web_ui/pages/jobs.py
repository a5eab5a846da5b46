"""One job: how it stands, why it waits, its attempts, its log as it grows, and the acts on it."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from store_client import (
    ControlPlaneClient,
    Fleet,
    JobCheckpoint,
    JobDetail,
    JobMetrics,
    JobState,
    LogSlice,
    Refused,
    Unreachable,
)
from web_ui.filters import Moment, duration, plural, short_commit, with_query
from web_ui.frame import deployment_frame
from web_ui.job_command import Again, again
from web_ui.job_ends import end_of
from web_ui.job_log import SLICE_BYTES, Log, LogView, log_of, number, view_of
from web_ui.job_metrics import POINTS, MetricCard, ProgressLine, metric_cards, progress_line
from web_ui.job_why import WhyCard, why_card
from web_ui.job_words import needs, sentence, what_for
from web_ui.pages.queue import beside
from web_ui.queue_places import SlotNames
from web_ui.queue_rows import may_cancel
from web_ui.templating import Frame
from web_ui.visit import Visit

MOST_CHECKPOINTS = 20


@dataclass(frozen=True)
class AttemptRow:
    """One placement of the job; `log_href` shows its log on this page."""

    number: int
    status: str
    slots: str
    started_at: Moment | None
    ended_at: Moment | None
    outcome: str
    log_href: str
    is_shown: bool


@dataclass(frozen=True)
class JobFact:
    """One line about the job; `href` leads on, `is_code` is read to the letter."""

    label: str
    value: str
    href: str | None = None
    is_code: bool = False


@dataclass(frozen=True)
class Acts:
    """Where the acts lead; none where this state or this person does not allow them."""

    cancel_href: str | None
    retry_href: str | None
    priority_href: str | None
    move_href: str | None


@dataclass(frozen=True)
class JobPage:
    """The page at /queue/{job}."""

    template: ClassVar[str] = "jobs/show.html"

    frame: Frame
    number: int
    name: str
    status: str
    sentence: str
    ends: str
    why: WhyCard | None
    progress: ProgressLine | None
    metrics: tuple[MetricCard, ...]
    priority: int
    acts: Acts
    facts: tuple[JobFact, ...]
    moments: tuple[tuple[str, Moment | None], ...]
    command: str
    again: Again
    checkpoints: tuple[JobCheckpoint, ...]
    more_checkpoints: int
    attempts: tuple[AttemptRow, ...]
    log: Log | None
    log_fault: str
    view: LogView
    files: tuple[tuple[str, str], ...]
    job_id: str


async def show(visit: Visit) -> Response:
    """The job, with the log of its newest attempt or of the one that the address names."""
    view = view_of(visit)
    job, experiments, fleet = await asyncio.gather(
        visit.client.read_job(job_of(visit)), beside(visit), visit.client.read_fleet()
    )
    explanation, metrics, kept, (log, fault) = await asyncio.gather(
        _why(visit, job), _metrics(visit, job), _kept(visit, job), log_of(visit, job, view)
    )
    page = JobPage(
        frame=deployment_frame(visit, experiments, f"Job {job.number}", "queue", fleet),
        number=job.number,
        name=job.name,
        status=job.state.value,
        sentence=explanation.sentence if explanation else sentence(job),
        ends=end_of(visit, job),
        why=explanation,
        progress=progress_line(job),
        metrics=metrics,
        priority=job.priority,
        acts=_acts(visit, job),
        facts=_facts(visit, job),
        moments=(("Queued", job.created_at), ("Started", job.started_at), ("Ended", job.ended_at)),
        command=job.command[-1] if job.command[:2] == ("/bin/sh", "-c") else shlex.join(job.command),
        again=again(job),
        checkpoints=kept[:MOST_CHECKPOINTS],
        more_checkpoints=max(0, len(kept) - MOST_CHECKPOINTS),
        attempts=_attempts(visit, job, (log.attempt if log is not None else job.attempt, fleet)),
        log=log,
        log_fault=fault,
        view=view,
        files=tuple(sorted(job.files.items())),
        job_id=job.job_id,
    )
    return visit.show(page)


async def log(visit: Visit) -> Response:
    """More of the log as plain text, with the offset to ask from next; the whole of it as a download."""
    query = visit.request.query_params
    attempt = number(query.get("attempt"))
    if query.get("download"):
        return await _download(visit, attempt)
    piece = await visit.client.read_job_log(
        job_of(visit), number(query.get("offset")) or 0, SLICE_BYTES, attempt or None
    )
    headers = {"X-Log-Offset": str(piece.next_offset), "X-Log-Ended": "true" if piece.is_complete else "false"}
    return PlainTextResponse(piece.text, headers=headers)


async def _why(visit: Visit, job: JobDetail) -> WhyCard | None:
    """Why it waits; nothing for one that does not."""
    if job.state is not JobState.QUEUED:
        return None
    return why_card(visit, await visit.client.explain_job(job.job_id))


async def _metrics(visit: Visit, job: JobDetail) -> tuple[MetricCard, ...]:
    """What its newest attempt reported; nothing where that cannot be read."""
    if job.attempt == 0:
        return ()
    try:
        found: JobMetrics = await visit.client.read_job_metrics(job.job_id, points=POINTS)
    except (Refused, Unreachable):
        return ()
    return metric_cards(found)


async def _kept(visit: Visit, job: JobDetail) -> tuple[JobCheckpoint, ...]:
    """What it keeps for its next attempt, the newest first; nothing where that cannot be read."""
    if job.attempt == 0:
        return ()
    try:
        found = await visit.client.list_job_checkpoints(job.job_id)
    except (Refused, Unreachable):
        return ()
    return tuple(sorted(found.items, key=lambda one: one.modified, reverse=True))


def job_of(visit: Visit) -> str:
    return str(visit.request.path_params["job"])


async def _download(visit: Visit, attempt: int) -> Response:
    job = await visit.client.read_job(job_of(visit))
    first = await visit.client.read_job_log(job.job_id, 0, SLICE_BYTES, attempt or None)
    headers = {"Content-Disposition": f'attachment; filename="job-{job.number}-attempt-{first.attempt}.log"'}
    return StreamingResponse(_pieces(visit.client, job.job_id, first), media_type="text/plain", headers=headers)


async def _pieces(client: ControlPlaneClient, job_id: str, piece: LogSlice) -> AsyncIterator[str]:
    """The log from its first piece to what is there now."""
    while piece.text:
        yield piece.text
        piece = await client.read_job_log(job_id, piece.next_offset, SLICE_BYTES, piece.attempt)


def _acts(visit: Visit, job: JobDetail) -> Acts:
    is_movable = visit.manages_deployment and job.state is JobState.QUEUED
    return Acts(
        cancel_href=visit.url("cancel_job", job=job.job_id) if may_cancel(visit, job) else None,
        retry_href=visit.url("retry_job", job=job.job_id) if visit.manages_deployment and job.state.is_final else None,
        priority_href=visit.url("reprioritise_job", job=job.job_id) if is_movable else None,
        move_href=visit.url("move_job", job=job.job_id) if is_movable else None,
    )


def _facts(visit: Visit, job: JobDetail) -> tuple[JobFact, ...]:
    slug = job.experiment_slug or job.experiment_id
    facts = [JobFact("Experiment", job.experiment_name or slug, visit.url("overview", experiment=slug))]
    if job.task_id:
        facts.append(JobFact("Task", what_for(job), visit.url("task", experiment=slug, task=job.task_id)))
    if job.array_id is not None:
        href = with_query(visit.url("queue"), array=job.array_id)
        facts.append(JobFact("Array", f"number {job.array_index} of its array", href))
    if job.submitter_name:
        facts.append(JobFact("Submitted by", job.submitter_name))
    facts += [
        JobFact("Commit", short_commit(job.commit_sha), is_code=True),
        JobFact("Needs", needs(job.resources)),
        JobFact("Priority", str(job.priority)),
        JobFact("Time limit", duration(job.timeout_seconds)),
        JobFact("Tries", f"{plural(job.retry.max_attempts, 'attempt')} when {_retried(job)}"),
    ]
    if job.exit_code is not None:
        facts.append(JobFact("Exit code", str(job.exit_code)))
    if job.published_commit:
        facts.append(JobFact("Published", short_commit(job.published_commit), is_code=True))
    return tuple(facts)


def _retried(job: JobDetail) -> str:
    return " or ".join(one.replace("_", " ") for one in job.retry.on) or "never"


def _attempts(visit: Visit, job: JobDetail, beside: tuple[int, Fleet]) -> tuple[AttemptRow, ...]:
    shown, fleet = beside
    path, names = visit.url("job", job=job.job_id), SlotNames.of(fleet)
    return tuple(
        AttemptRow(
            number=one.number,
            status=one.state.value,
            slots=names.words(one.slots),
            started_at=one.started_at,
            ended_at=one.ended_at,
            outcome=one.detail or (f"exit code {one.exit_code}" if one.exit_code is not None else ""),
            log_href=f"{path}?attempt={one.number}",
            is_shown=one.number == shown,
        )
        for one in reversed(job.attempts)
    )
