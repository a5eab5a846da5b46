"""Why a job waits, as its page shows it: what blocks it, when it may start, and the change that would help."""

from dataclasses import dataclass

from store_client import Explanation, JobChange, JobConstraint
from web_ui.filters import Moment
from web_ui.queue_rows import in_words
from web_ui.visit import Visit


@dataclass(frozen=True)
class ConstraintLine:
    """One thing in the way; the jobs of it lead to their pages."""

    text: str
    until: Moment | None
    jobs: tuple[tuple[str, str], ...]
    """The words and the address of each."""


@dataclass(frozen=True)
class ChangeLine:
    """A change that would do, and the form that makes it, where this person may and it is one act."""

    text: str
    button: str = ""
    href: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    consequence: str = ""
    """What a dangerous act brings with it; it is then asked for twice."""


@dataclass(frozen=True)
class WhyCard:
    """The answer to the question: why not yet."""

    sentence: str
    constraints: tuple[ConstraintLine, ...]
    change: ChangeLine | None
    others: tuple[ChangeLine, ...]
    no_change: str
    """What could help where no change would do."""
    start: str
    start_note: str


def why_card(visit: Visit, found: Explanation) -> WhyCard | None:
    """The card of a waiting job; none for one that does not wait."""
    if not found.constraints:
        return None
    start, note = "", found.no_start or ""
    if found.start is not None:
        start = in_words(found.start, visit.now)
        note = f"eight of ten times, by {found.start.past_runs} attempts that have ended, if nothing goes before it"
    return WhyCard(
        sentence=found.sentence,
        constraints=tuple(_constraint(visit, one) for one in found.constraints),
        change=_change(visit, found, found.change) if found.change else None,
        others=tuple(_change(visit, found, one) for one in found.alternatives),
        no_change=_capital(found.no_change or ""),
        start=start,
        start_note=note,
    )


def _constraint(visit: Visit, one: JobConstraint) -> ConstraintLine:
    jobs = ((f"job {job.number}", visit.url("job", job=job.job_id)) for job in one.jobs if job.number is not None)
    return ConstraintLine(_capital(one.sentence), one.until, tuple(jobs))


def _change(visit: Visit, found: Explanation, change: JobChange) -> ChangeLine:
    text = _capital(change.sentence)
    if not visit.is_administrator:
        return ChangeLine(text)
    match change.kind:
        case "priority":
            href = visit.url("reprioritise_job", job=found.job_id)
            return ChangeLine(text, f"Raise to {change.priority}", href, (("priority", str(change.priority)),))
        case "front":
            return ChangeLine(text, "To the front", visit.url("move_job", job=found.job_id), (("to", "front"),))
        case "end_job" if change.job is not None:
            href = visit.url("cancel_job", job=change.job.job_id)
            lost = (
                f"Job {change.job.number} ends with every process that it started; what it had not published is lost."
            )
            return ChangeLine(text, f"Cancel job {change.job.number}", href, (), lost)
        case "readmit_gpu" if change.slot_id is not None:
            return ChangeLine(text, "Give it out again", visit.url("readmit_gpu", gpu=change.slot_id))
        case _:
            return ChangeLine(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
