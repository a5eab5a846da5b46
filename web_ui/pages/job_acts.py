"""The acts on one job: end it, run it again, and change where it stands."""

from starlette.responses import Response

from store_client import JobDetail, JobState, MoveJob, Refused
from web_ui.pages.jobs import job_of, number
from web_ui.visit import Visit


async def cancel(visit: Visit) -> Response:
    """End the job; its submitter may, and whoever runs its experiment."""
    job = await visit.client.read_job(job_of(visit))
    store = visit.console.factory.store(visit.who, job.experiment_id)
    ended = await store.cancel_experiment_job(job.job_id)
    if ended.state is JobState.CANCELLED:
        return _back(visit, job, f"Job {job.number} is cancelled.")
    if ended.state.is_final:
        return _back(visit, job, f"Job {job.number} had ended already.")
    return _back(visit, job, f"Job {job.number} is being stopped with everything that it started.")


async def retry(visit: Visit) -> Response:
    """Queue the ended job again."""
    job = await visit.client.retry_job(job_of(visit))
    return _back(visit, job, f"Job {job.number} is queued again.")


async def reprioritise(visit: Visit) -> Response:
    """Change where the waiting job stands."""
    form = await visit.request.form()
    priority = number(str(form.get("priority", "")), default=-1)
    if not 0 <= priority <= 10:
        path = visit.url("job", job=job_of(visit))
        return visit.go(path, ("failed", "A priority is a whole number from 0 to 10; nothing was changed."))
    try:
        job = await visit.client.reprioritise_job(job_of(visit), priority)
    except Refused as refusal:
        path = visit.url("job", job=job_of(visit))
        return visit.go(path, ("failed", f"The priority was not changed: {refusal.detail}."))
    return _back(visit, job, f"Job {job.number} has priority {priority} now.")


async def move(visit: Visit) -> Response:
    """Move the waiting job among those of its priority."""
    form = await visit.request.form()
    to = str(form.get("to", ""))
    if to not in {"front", "back"}:
        return visit.go(visit.url("job", job=job_of(visit)), ("failed", "A job moves to the front or to the back."))
    try:
        job = await visit.client.move_job(job_of(visit), MoveJob.model_validate({"to": to}))
    except Refused as refusal:
        return visit.go(visit.url("job", job=job_of(visit)), ("failed", f"It was not moved: {refusal.detail}."))
    return _back(visit, job, f"Job {job.number} is at the {to} of priority {job.priority} now.")


def _back(visit: Visit, job: JobDetail, told: str) -> Response:
    """To the queue, where the act was done there; else to the job's page."""
    is_of_queue = visit.request.query_params.get("back") == "queue"
    return visit.go(visit.url("queue") if is_of_queue else visit.url("job", job=job.job_id), ("done", told))
