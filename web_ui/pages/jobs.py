"""One job: how it stands, why it waits, its attempts, its log as it grows, and the acts on it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from store_client import ControlPlaneClient, JobDetail, JobMetrics, JobState, LogSlice, Refused, Unreachable
from web_ui.active import find
from web_ui.filters import Moment, duration, plural, short_commit
from web_ui.frame import deployment_frame
from web_ui.job_metrics import POINTS, MetricCard, ProgressLine, metric_cards, progress_line
from web_ui.job_why import WhyCard, why_card
from web_ui.job_words import needs, sentence, what_for
from web_ui.templating import Frame
from web_ui.visit import Visit

SHOWN_BYTES = 65_536
SLICE_BYTES = 1_048_576


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
class Log:
    """The end of an attempt's log and where to ask for more; `skipped` bytes come before it."""

    text: str
    url: str
    offset: int
    is_live: bool
    skipped: int
    download_href: str
    attempt: int


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
    why: WhyCard | None
    progress: ProgressLine | None
    metrics: tuple[MetricCard, ...]
    priority: int
    acts: Acts
    facts: tuple[JobFact, ...]
    moments: tuple[tuple[str, Moment | None], ...]
    command: str
    attempts: tuple[AttemptRow, ...]
    log: Log | None
    log_fault: str
    files: tuple[tuple[str, str], ...]
    job_id: str


async def show(visit: Visit) -> Response:
    """The job, with the log of its newest attempt or of the one that the address names."""
    job, experiments, fleet = await asyncio.gather(
        visit.client.read_job(job_of(visit)), visit.client.list_experiment_summaries(), visit.client.read_fleet()
    )
    explanation, metrics, (log, fault) = await asyncio.gather(_why(visit, job), _metrics(visit, job), _log(visit, job))
    owner = find(experiments, job.experiment_id)
    shown = log.attempt if log is not None else job.attempt
    page = JobPage(
        frame=deployment_frame(visit, experiments, f"Job {job.number}", "queue", fleet),
        number=job.number,
        name=job.name,
        status=job.state.value,
        sentence=explanation.sentence if explanation else sentence(job),
        why=explanation,
        progress=progress_line(job),
        metrics=metrics,
        priority=job.priority,
        acts=_acts(visit, job),
        facts=_facts(visit, job, (owner.slug, owner.name) if owner else (job.experiment_id, job.experiment_id)),
        moments=(("Queued", job.created_at), ("Started", job.started_at), ("Ended", job.ended_at)),
        command=job.command[-1] if job.command[:2] == ("/bin/sh", "-c") else " ".join(job.command),
        attempts=_attempts(visit, job, shown),
        log=log,
        log_fault=fault,
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


def job_of(visit: Visit) -> str:
    return str(visit.request.path_params["job"])


def number(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else default


async def _log(visit: Visit, job: JobDetail) -> tuple[Log | None, str]:
    """The end of the log, or why there is none."""
    attempt = number(visit.request.query_params.get("attempt"))
    if job.attempt == 0:
        return None, ""
    is_newest = attempt in {0, job.attempt}
    start = max(0, job.log_bytes - SHOWN_BYTES) if is_newest else 0
    limit = SLICE_BYTES if is_newest else SHOWN_BYTES
    try:
        piece = await visit.client.read_job_log(job.job_id, start, limit, attempt or None)
    except (Refused, Unreachable) as error:
        return None, str(error)
    return _shown(visit, job, piece), ""


def _shown(visit: Visit, job: JobDetail, piece: LogSlice) -> Log:
    url = f"{visit.url('job_log', job=job.job_id)}?attempt={piece.attempt}"
    return Log(
        text=piece.text,
        url=url,
        offset=piece.next_offset,
        is_live=not piece.is_complete,
        skipped=piece.offset,
        download_href=f"{url}&download=1",
        attempt=piece.attempt,
    )


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
    is_admin, may_act = visit.is_administrator, visit.may_act_in(job.experiment_id)
    is_movable = is_admin and job.state is JobState.QUEUED
    return Acts(
        cancel_href=None
        if job.state.is_final or job.state is JobState.CANCELLING or not may_act
        else visit.url("cancel_job", job=job.job_id),
        retry_href=visit.url("retry_job", job=job.job_id) if is_admin and job.state.is_final else None,
        priority_href=visit.url("reprioritise_job", job=job.job_id) if is_movable else None,
        move_href=visit.url("move_job", job=job.job_id) if is_movable else None,
    )


def _facts(visit: Visit, job: JobDetail, owner: tuple[str, str]) -> tuple[JobFact, ...]:
    slug, name = owner
    facts = [JobFact("Experiment", name, visit.url("overview", experiment=slug))]
    if job.task_id:
        facts.append(JobFact("Task", what_for(job), visit.url("task", experiment=slug, task=job.task_id)))
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


def _attempts(visit: Visit, job: JobDetail, shown: int) -> tuple[AttemptRow, ...]:
    path = visit.url("job", job=job.job_id)
    return tuple(
        AttemptRow(
            number=one.number,
            status=one.state.value,
            slots=", ".join(slot.replace("cpu:", "CPU ") for slot in one.slots),
            started_at=one.started_at,
            ended_at=one.ended_at,
            outcome=one.detail or (f"exit code {one.exit_code}" if one.exit_code is not None else ""),
            log_href=f"{path}?attempt={one.number}",
            is_shown=one.number == shown,
        )
        for one in reversed(job.attempts)
    )
