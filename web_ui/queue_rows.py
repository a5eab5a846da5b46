"""Jobs as the rows of a queue: what they need, how they stand, why they wait, when they start, and the acts on them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from store_client import Job, JobState, QueuedJob, StartBand
from web_ui.filters import Moment, as_moment, with_query
from web_ui.job_words import lasted, needs, status_text, what_for, why
from web_ui.queue_places import SlotNames
from web_ui.visit import Visit

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
SOON_SECONDS = 90
HIGHEST = 10


@dataclass(frozen=True)
class RowActs:
    """Where the acts on a row lead; none where they are not to be had."""

    cancel_href: str | None = None
    priority_href: str | None = None
    move_href: str | None = None
    raised: int | None = None
    lowered: int | None = None
    above: int | None = None
    """The number of the job that it would go before, or behind: the next of its priority and experiment here."""
    below: int | None = None
    array_id: str = ""
    """The array that the row stands for, whose jobs are moved and re-prioritised together; empty for one job."""
    as_shown: bool = False
    """Whether arrays are moved, and stood beside, as the rows that they are here."""


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
    slots: str = ""
    """What it holds, by name; empty for one that holds nothing."""
    more: int = 0
    """So many of its array stood behind it in this list."""
    more_href: str = ""
    """All of its array; empty for a job that is of none."""


@dataclass(frozen=True)
class Rows:
    """Jobs as rows, each with the name of its experiment where several may stand together."""

    visit: Visit
    slots: SlotNames
    is_of_one: bool = False

    def of(self, jobs: Iterable[Job]) -> tuple[JobRow, ...]:
        """Jobs in the order given; of an array that stands together, the first."""
        return self._folded([(job, self._row(job)) for job in jobs])

    def each(self, jobs: Iterable[Job]) -> tuple[JobRow, ...]:
        """Jobs in the order given, every one."""
        return tuple(map(self._row, jobs))

    def by_slot(self, jobs: Iterable[Job]) -> tuple[JobRow, ...]:
        """Jobs that run, in the order of what they hold."""
        return tuple(self._row(job) for job in sorted(jobs, key=lambda one: (self.slots.place(one.slots), one.number)))

    def queued(self, jobs: Sequence[QueuedJob]) -> tuple[JobRow, ...]:
        """Waiting jobs with when they are likely to start, and which of them they could change places with."""
        found = [(one.job, self._row(one.job, one.start)) for one in jobs]
        folded = self._folded(found)
        if not self.visit.manages_deployment:
            return folded
        kinds = {job.job_id: (job.experiment_id, job.priority) for job, _ in found}
        return tuple(_beside(folded, kinds))

    def _folded(self, found: Sequence[tuple[Job, JobRow]]) -> tuple[JobRow, ...]:
        """Jobs of one array that stand together and are in one state are one row."""
        rows = []
        for (array_id, _), group in groupby(found, key=lambda one: (one[0].array_id or one[0].job_id, one[0].state)):
            (job, first), *others = group
            href = with_query(self.visit.url("queue"), array=array_id) if job.array_id is not None else ""
            acts = replace(first.acts, array_id=job.array_id or "", as_shown=True)
            rows.append(replace(first, more=len(others), more_href=href, acts=acts))
        return tuple(rows)

    def _row(self, job: Job, start: StartBand | None = None) -> JobRow:
        name = None if self.is_of_one else job.experiment_name
        progress = job.progress if job.state.is_on_a_slot else None
        return JobRow(
            job_id=job.job_id,
            number=job.number,
            name=_named(job),
            href=self.visit.url("job", job=job.number),
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
            slots=self.slots.words(job.slots),
        )

    def _acts(self, job: Job) -> RowActs:
        cancel_href = self.visit.url("cancel_job", job=job.number) if may_cancel(self.visit, job) else None
        if job.state is not JobState.QUEUED or not self.visit.manages_deployment:
            return RowActs(cancel_href)
        return RowActs(
            cancel_href,
            self.visit.url("reprioritise_job", job=job.number),
            self.visit.url("move_job", job=job.number),
            raised=job.priority + 1 if job.priority < HIGHEST else None,
            lowered=job.priority - 1 if job.priority > 0 else None,
        )


def may_cancel(visit: Visit, job: Job) -> bool:
    """Whether this person may end a job now: whoever runs its experiment may, and who submitted it."""
    if job.state.is_final or job.state is JobState.CANCELLING:
        return False
    is_run_by_them = visit.is_administrator or dict(visit.who.roles).get(job.experiment_id) == "administrator"
    is_theirs = job.operator_id is not None and job.operator_id == visit.who.operator_id
    return is_run_by_them or (is_theirs and visit.may_act_in(job.experiment_id))


def _named(job: Job) -> str:
    return job.name if job.array_index is None else f"{job.name} [{job.array_index}]"


def _beside(rows: Sequence[JobRow], kinds: dict[str, tuple[str, int]]) -> Iterator[JobRow]:
    """Jobs of one experiment and priority can change places; experiments take turns, whatever stands where.

    An array that stands here in several rows moves as one past the next that is no row of its own.
    """
    alike: dict[tuple[str, int], list[JobRow]] = {}
    for row in rows:
        alike.setdefault(kinds[row.job_id], []).append(row)
    for row in rows:
        same = alike[kinds[row.job_id]]
        at = same.index(row)
        above = _next_other(row, reversed(same[:at]))
        below = _next_other(row, same[at + 1 :])
        yield replace(row, acts=replace(row.acts, above=above, below=below))


def _next_other(row: JobRow, others: Iterable[JobRow]) -> int | None:
    """The number of the first that is not of the same array."""
    own = row.acts.array_id
    return next((other.number for other in others if not own or other.acts.array_id != own), None)


def in_words(start: StartBand, now: Moment) -> str:
    """When a job starts, in eight of ten cases: in 3 to 7 min."""
    first, last = ((as_moment(moment) - as_moment(now)).total_seconds() for moment in (start.earliest, start.latest))
    return between(max(0.0, first), max(0.0, last))


def between(first: float, last: float) -> str:
    """From so many seconds on to so many, in one unit."""
    if last < SOON_SECONDS:
        return "in about a minute" if last > SOON_SECONDS / 3 else "in seconds"
    length, unit = next(one for one in UNITS if last >= one[0])
    early, late = int(first / length), max(1, round(last / length))
    return f"in {early} to {late} {unit}" if early < late else f"in about {late} {unit}"
