"""Taking back an act that cancelled several jobs: its arrays go on, and what it ended is queued again, each on its own.

Arrays come first: one that is closed would be at its end as soon as its last job is, and those that wait for it go on.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response

from store_client import Forbidden, Job, JobFilter, JobState, Refused, ReopenArrays, ReopenedArrays, Unauthorized
from web_ui.filters import plural, with_query
from web_ui.listing import Place
from web_ui.queue_filters import ACT
from web_ui.visit import Visit

PAGE = 100
MOST = 500
"""So many jobs are queued again by one press."""
MOST_CALLS = 50
NONE = "Nothing was changed: none of these is cancelled now."
MORE = "There may be more: look below, and press again."


async def undo_href(visit: Visit, act: str) -> str | None:
    """Where an act is taken back: for whoever may do so, while one of its jobs is cancelled or an array can go on."""
    if not act or not visit.manages_deployment:
        return None
    found, arrays = await asyncio.gather(
        visit.client.list_jobs(wanted=_cancelled(act), limit=1),
        visit.client.reopen_arrays(ReopenArrays(act_id=act, is_preview=True)),
    )
    return with_query(visit.url("undo_cancel"), act=act) if found.items or arrays.reopened else None


async def undo(visit: Visit) -> Response:
    """Queue the jobs again that an act cancelled, let its arrays go on, and say how many could not be."""
    place = Place.of(visit.request, "act")
    act = place.fields.get("act", "")
    if ACT.fullmatch(act) is None:
        return visit.go(visit.url("queue"), ("failed", NONE))
    arrays = await _reopen(visit, act)
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
    is_done = seen > len(refused) or arrays.reopened > 0
    return visit.go(back, ("done" if is_done else "failed", _told(seen, refused, arrays)))


async def _reopen(visit: Visit, act: str) -> ReopenedArrays:
    """Let the arrays of an act go on, part after part; all that became of them."""
    parts, after = list[ReopenedArrays](), None
    for _ in range(MOST_CALLS):
        parts.append(await visit.client.reopen_arrays(ReopenArrays(act_id=act, after=after)))
        after = parts[-1].next
        if after is None:
            break
    return ReopenedArrays(
        reopened=sum(part.reopened for part in parts),
        to_come=sum(part.to_come for part in parts),
        refused=tuple(why for part in parts for why in part.refused),
    )


def _told(seen: int, refused: list[str], arrays: ReopenedArrays) -> str:
    if not seen and not arrays.reopened and not arrays.refused:
        return NONE
    done = seen - len(refused)
    parts = [f"{plural(done, 'job')} {'waits' if done == 1 else 'wait'} again."] if done else []
    parts += [_of_arrays(arrays)] if arrays.reopened else []
    parts = parts or ["Nothing was changed."]
    parts += [f"{plural(len(refused), 'job')} could not: {refused[0]}."] if refused else []
    parts += [f"{plural(len(arrays.refused), 'array')} could not: {arrays.refused[0]}."] if arrays.refused else []
    return " ".join([*parts, *([MORE] if seen == MOST else [])])


def _of_arrays(arrays: ReopenedArrays) -> str:
    goes = f"{plural(arrays.reopened, 'array')} {'goes' if arrays.reopened == 1 else 'go'} on"
    to_come = f"{plural(arrays.to_come, 'job')} {'is' if arrays.to_come == 1 else 'are'} yet to be made"
    return f"{goes}: {to_come}." if arrays.to_come else f"{goes}."


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
