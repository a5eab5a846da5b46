"""Taking back an act that cancelled several jobs: those that it ended are queued again, each on its own."""

from collections.abc import AsyncIterator

from starlette.responses import Response

from store_client import Forbidden, Job, JobFilter, JobState, Refused, Unauthorized
from web_ui.filters import plural, with_query
from web_ui.listing import Place
from web_ui.queue_filters import ACT
from web_ui.visit import Visit

PAGE = 100
MOST = 500
"""So many jobs are queued again by one press."""
NONE = "Nothing was changed: none of these is cancelled now."
MORE = "There may be more: look below, and press again."


async def undo_href(visit: Visit, act: str) -> str | None:
    """Where the jobs of an act are queued again: for whoever may do so, while one of them is cancelled."""
    if not act or not visit.manages_deployment:
        return None
    found = await visit.client.list_jobs(wanted=_cancelled(act), limit=1)
    return with_query(visit.url("undo_cancel"), act=act) if found.items else None


async def undo(visit: Visit) -> Response:
    """Queue the jobs again that an act cancelled, and say how many could not be."""
    place = Place.of(visit.request, "act")
    act = place.fields.get("act", "")
    if ACT.fullmatch(act) is None:
        return visit.go(visit.url("queue"), ("failed", NONE))
    seen, refused = 0, list[str]()
    async for job in _each(visit, act):
        seen += 1
        try:
            await visit.client.retry_job(job.job_id)
        except (Forbidden, Unauthorized):
            raise
        except Refused as refusal:
            refused.append(f"job {job.number}: {refusal.detail}")
    back = with_query(visit.url("queue"), act=act)
    return visit.go(back, ("done" if seen > len(refused) else "failed", _told(seen, refused)))


def _told(seen: int, refused: list[str]) -> str:
    if not seen:
        return NONE
    done = seen - len(refused)
    parts = [f"{plural(done, 'job')} {'waits' if done == 1 else 'wait'} again."] if done else ["Nothing was changed."]
    parts += [f"{plural(len(refused), 'job')} could not: {refused[0]}."] if refused else []
    return " ".join([*parts, *([MORE] if seen == MOST else [])])


async def _each(visit: Visit, act: str) -> AsyncIterator[Job]:
    """The jobs that it ended, the newest first; those that are refused stay, and are passed over."""
    after, seen = None, 0
    while seen < MOST:
        page = await visit.client.list_jobs(wanted=_cancelled(act), after=after, limit=PAGE)
        for job in page.items:
            yield job
        seen, after = seen + len(page.items), page.next
        if after is None:
            return


def _cancelled(act: str) -> JobFilter:
    return JobFilter(act_id=act, states=(JobState.CANCELLED,))
