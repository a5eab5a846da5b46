"""Jobs as the rows of a queue: what they need, how they stand, why they wait, when they start, and the acts on them."""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client import ExperimentSummary, Job, JobState, QueuedJob, StartBand
from web_ui.filters import Moment, as_moment
from web_ui.job_words import lasted, needs, status_text, what_for, why
from web_ui.visit import Visit

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
SOON_SECONDS = 90


@dataclass(frozen=True)
class RowActs:
    """Where the acts on a row lead; none where they are not to be had."""

    cancel_href: str | None = None
    priority_href: str | None = None
    move_href: str | None = None


@dataclass(frozen=True)
class JobRow:
    """One job in a table; `moment` is when it began to be what it is, `start` when a waiting one is likely to start."""

    job_id: str
    number: int
    name: str
    href: str
    where: str
    tags: tuple[str, ...]
    needs: str
    priority: int
    status: str
    status_text: str
    why: str
    moment: Moment
    lasted: str
    start: str
    start_title: str
    progress: float | None
    progress_text: str
    acts: RowActs


@dataclass(frozen=True)
class Rows:
    """Jobs as rows, each with the name of its experiment where several may stand together."""

    visit: Visit
    names: dict[str, str]

    @classmethod
    def among(cls, visit: Visit, experiments: Iterable[ExperimentSummary]) -> "Rows":
        return cls(visit, {one.experiment_id: one.name for one in experiments})

    def of(self, jobs: Iterable[Job]) -> tuple[JobRow, ...]:
        return tuple(self._row(job) for job in jobs)

    def queued(self, jobs: Iterable[QueuedJob]) -> tuple[JobRow, ...]:
        """Waiting jobs with when they are likely to start."""
        return tuple(self._row(one.job, one.start) for one in jobs)

    def _row(self, job: Job, start: StartBand | None = None) -> JobRow:
        name = self.names.get(job.experiment_id)
        progress = job.progress if job.state.is_on_a_slot else None
        return JobRow(
            job_id=job.job_id,
            number=job.number,
            name=job.name,
            href=self.visit.url("job", job=job.job_id),
            where=f"{name} · {what_for(job)}" if name else what_for(job),
            tags=job.tags,
            needs=needs(job.resources),
            priority=job.priority,
            status=job.state.value,
            status_text=status_text(job),
            why=why(job),
            moment=job.ended_at or job.started_at or job.created_at,
            lasted=lasted(job),
            start=in_words(start, self.visit.now) if start else "",
            start_title=f"eight of ten such jobs start then, by {start.past_runs} that have ended" if start else "",
            progress=progress.fraction if progress else None,
            progress_text=(progress.message or "") if progress else "",
            acts=self._acts(job),
        )

    def _acts(self, job: Job) -> RowActs:
        if job.state.is_final or job.state is JobState.CANCELLING:
            return RowActs()
        is_movable = self.visit.manages_deployment and job.state is JobState.QUEUED
        return RowActs(
            self.visit.url("cancel_job", job=job.job_id),
            self.visit.url("reprioritise_job", job=job.job_id) if is_movable else None,
            self.visit.url("move_job", job=job.job_id) if is_movable else None,
        )


def in_words(start: StartBand, now: Moment) -> str:
    """When a job starts, in eight of ten cases: in 3 to 7 min."""
    first, last = (
        max(0.0, (as_moment(moment) - as_moment(now)).total_seconds()) for moment in (start.earliest, start.latest)
    )
    if last < SOON_SECONDS:
        return "in about a minute" if last > SOON_SECONDS / 3 else "in seconds"
    length, unit = next(one for one in UNITS if last >= one[0])
    early, late = int(first / length), max(1, round(last / length))
    return f"in {early} to {late} {unit}" if early < late else f"in about {late} {unit}"
