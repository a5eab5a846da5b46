"""When a running job is likely to end, as far as it says how far it is."""

from store_client import JobDetail, JobState
from web_ui.filters import as_moment, duration
from web_ui.queue_rows import between
from web_ui.visit import Visit

LEAST_FRACTION = 0.02
SLACK = 1.25
"""It may go on a quarter slower or faster than so far."""


def end_of(visit: Visit, job: JobDetail) -> str:
    """A sentence on when it ends; empty for one that does not run."""
    if job.state is not JobState.RUNNING or job.started_at is None:
        return ""
    ran = (visit.now - as_moment(job.started_at)).total_seconds()
    most = f"it is stopped {_limit(job.timeout_seconds - ran)}, at its limit of {duration(job.timeout_seconds)}"
    fraction = job.progress.fraction if job.progress is not None else None
    if fraction is None or not LEAST_FRACTION <= fraction <= 1 or ran <= 0:
        return f"It does not say how far it is; {most}."
    said = (as_moment(job.progress.at) - as_moment(job.started_at)).total_seconds() if job.progress else ran
    left = max(0.0, max(said, 1.0) * (1 / fraction) - ran)
    words = between(left / SLACK, left * SLACK)
    return f"At the pace it reports it ends {words}; at the latest {most}."


def _limit(seconds: float) -> str:
    return f"in {duration(seconds)}" if seconds > 0 else "any moment now"
