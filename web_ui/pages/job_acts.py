"""The acts on one job: end it, run it again, and change where it stands."""

from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import JobDetail, JobFilter, JobState, MoveJob, Refused, ReprioritiseJobs
from web_ui.filters import with_query
from web_ui.gates import own_path
from web_ui.job_log import number
from web_ui.pages.jobs import job_of
from web_ui.visit import Visit

ENDS = ("front", "back")


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


async def cancel_array(visit: Visit) -> Response:
    """End every job of an array, and make no more of it."""
    array = await visit.client.cancel_array(visit.request.path_params["array"])
    shown = with_query(visit.url("queue"), array=array.array_id)
    return visit.go(shown, ("done", f"The array of job {array.number} is cancelled: no more of it are made."))


async def retry(visit: Visit) -> Response:
    """Queue the ended job again."""
    job = await visit.client.retry_job(job_of(visit))
    return _back(visit, job, f"Job {job.number} is queued again.")


async def reprioritise(visit: Visit) -> Response:
    """Change where the waiting job stands, or all of its array that waits."""
    form = await visit.request.form()
    priority = number(str(form.get("priority", "")), default=-1)
    if not 0 <= priority <= 10:
        return _refused(visit, "A priority is a whole number from 0 to 10; nothing was changed.")
    try:
        job = await visit.client.read_job(job_of(visit))
        with_array = bool(form.get("array")) and job.array_id is not None
        await _give(visit, job, priority, with_array=with_array)
    except Refused as refusal:
        return _refused(visit, f"The priority was not changed: {refusal.detail}.")
    return _back(visit, job, f"{_named(job, with_array=with_array)} has priority {priority} now.")


async def _give(visit: Visit, job: JobDetail, priority: int, *, with_array: bool) -> None:
    """Give a waiting job a priority, or its array: all of it that waits, and what is yet to be made."""
    if not with_array:
        await visit.client.reprioritise_job(job.job_id, priority)
        return
    wanted = ReprioritiseJobs(filter=JobFilter(array_id=job.array_id), priority=priority)
    while (await visit.client.reprioritise_jobs(wanted)).left:
        pass


def _named(job: JobDetail, *, with_array: bool) -> str:
    return f"The array of job {job.number}" if with_array else f"Job {job.number}"


async def move(visit: Visit) -> Response:
    """Move the waiting job to an end of its priority, or beside another job, whose priority it then has.

    From a list that shows arrays as one row each they are moved, and stood beside, as such.
    """
    form = await visit.request.form()
    to, beside, as_shown = str(form.get("to", "")), _beside(form), bool(form.get("with_array"))
    if beside is not None:
        return await _move_beside(visit, *beside, as_shown=as_shown)
    if to not in ENDS:
        return _refused(visit, "A job moves to the front or to the back, or beside another one.")
    try:
        place = MoveJob.model_validate({"to": to, "with_array": as_shown})
        job = await visit.client.move_job(job_of(visit), place)
    except Refused as refusal:
        return _refused(visit, f"It was not moved: {refusal.detail}.")
    named = _named(job, with_array=as_shown and job.array_id is not None)
    return _back(visit, job, f"{named} is at the {to} of priority {job.priority} now.")


def _beside(form: FormData) -> tuple[str, str] | None:
    """Before or behind which job, where the form names one."""
    named = ((side, str(form.get(side, ""))) for side in ("before", "after"))
    return next(((side, job) for side, job in named if 0 < len(job) <= 100), None)


async def _move_beside(visit: Visit, side: str, named: str, *, as_shown: bool) -> Response:
    changed = what = ""
    try:
        job, other = await visit.client.read_job(job_of(visit)), await visit.client.read_job(named)
        with_array = as_shown and job.array_id is not None
        what = _named(job, with_array=with_array)
        if job.priority != other.priority:
            await _give(visit, job, other.priority, with_array=with_array)
            changed = f"{what} has priority {other.priority} now, but "
        place = MoveJob.model_validate({side: other.job_id, "with_array": as_shown})
        await visit.client.move_job(job.job_id, place)
    except Refused as refusal:
        told = f"{changed}it was not moved: {refusal.detail}."
        return _refused(visit, told[0].upper() + told[1:])
    where = "before" if side == "before" else "behind"
    told = f"{what} stands {where} job {other.number} at priority {other.priority} now."
    if job.experiment_id != other.experiment_id:
        told += " Experiments take turns, so it may start at another time."
    return _back(visit, job, told)


def _back(visit: Visit, job: JobDetail, told: str) -> Response:
    """To the list where the act was done; else to the job's page."""
    return visit.go(_asked(visit) or visit.url("job", job=job.job_id), ("done", told))


def _refused(visit: Visit, told: str) -> Response:
    return visit.go(_asked(visit) or visit.url("job", job=job_of(visit)), ("failed", told))


def _asked(visit: Visit) -> str:
    """The list that the form says it stands in: the queue as it was narrowed, or an experiment's jobs."""
    asked = own_path(visit.request.query_params.get("back", ""))
    path = asked.partition("?")[0]
    is_of_experiment = path.startswith("/e/") and path.endswith("/jobs") and path.count("/") == 3
    return asked if is_of_experiment or path == visit.url("queue") else ""
