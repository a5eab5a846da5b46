"""Cancelling several jobs at once: first how many and which, then, of exactly those, the act."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import CancelJobs, ChangedJobs, JobFilter, JobState, Refused
from web_ui.active import find
from web_ui.filters import plural
from web_ui.frame import deployment_frame
from web_ui.listing import Place
from web_ui.queue_filters import FIELDS, Filters, filters
from web_ui.queue_rows import JobRow, Rows
from web_ui.templating import Frame
from web_ui.visit import Visit

SAMPLE = 20
MOST_CALLS = 200
NOTHING_CHOSEN = "Choose which jobs first: by experiment, state, name or tag."


@dataclass(frozen=True)
class CancelSeveral:
    """The page at /queue/cancel-several; `up_to` leaves out jobs that come after this was drawn."""

    template: ClassVar[str] = "queue/cancel.html"

    frame: Frame
    sentence: str
    count: int
    up_to: int
    filters: Filters
    jobs: tuple[JobRow, ...]
    action: str


async def preview(visit: Visit) -> Response:
    """How many open jobs the filter chooses, and the first of them."""
    place = Place.of(visit.request, "experiment", *FIELDS)
    experiments = await visit.client.list_experiment_summaries()
    narrowed = filters(visit, place, find(experiments, place.fields.get("experiment", "")))
    if narrowed.cancel_href is None:
        return visit.go(narrowed.clear_href, ("failed", NOTHING_CHOSEN))
    wanted = _open(narrowed.wanted)
    counted, sample, fleet = await asyncio.gather(
        _cancel(visit, CancelJobs(filter=wanted, is_preview=True)),
        visit.client.list_jobs(wanted=wanted, limit=SAMPLE),
        visit.client.read_fleet(),
    )
    chosen = f"{plural(counted.matched, 'job')} {narrowed.words}"
    page = CancelSeveral(
        frame=deployment_frame(visit, experiments, "Cancel several", "queue", fleet),
        sentence=f"{chosen}: those that wait end at once, those that run are stopped.",
        count=counted.matched,
        up_to=counted.up_to,
        filters=narrowed,
        jobs=Rows.among(visit, experiments).of(sample.items),
        action=narrowed.cancel_href,
    )
    return visit.show(page)


async def cancel_several(visit: Visit) -> Response:
    """Cancel exactly the jobs that were counted; when they are others by now, say so and count again."""
    place, form = Place.of(visit.request, "experiment", *FIELDS), await visit.request.form()
    experiments = await visit.client.list_experiment_summaries()
    narrowed = filters(visit, place, find(experiments, place.fields.get("experiment", "")))
    expected, up_to = str(form.get("count", "")), str(form.get("up_to", ""))
    if narrowed.cancel_href is None or not (expected.isdecimal() and up_to.isdecimal() and int(up_to)):
        return visit.go(narrowed.clear_href, ("failed", NOTHING_CHOSEN))
    body = CancelJobs(filter=_open(narrowed.wanted), expected_count=int(expected), up_to=int(up_to))
    try:
        changed = await _cancel_all(visit, body)
    except Refused as refusal:
        return visit.go(narrowed.cancel_href, ("failed", f"Nothing was cancelled: {refusal.detail}."))
    back = narrowed.clear_href
    return visit.go(back, ("done", f"{plural(changed, 'job')} {'is' if changed == 1 else 'are'} cancelled."))


async def _cancel_all(visit: Visit, body: CancelJobs) -> int:
    """Part after part, until none is left; the count is checked once, with the first."""
    changed = 0
    for _ in range(MOST_CALLS):
        part = await _cancel(visit, body)
        changed += part.changed
        if not part.left:
            break
        body = body.having(expected_count=None)
    return changed


async def _cancel(visit: Visit, body: CancelJobs) -> ChangedJobs:
    """As an administrator anybody's; else one's own, in the experiment that is chosen."""
    scope = body.filter.experiment_id
    if visit.is_administrator or scope is None:
        return await visit.client.cancel_jobs(body)
    store = visit.console.factory.store(visit.who, scope)
    return await store.cancel_experiment_jobs(body.having(filter=body.filter.having(experiment_id=None)))


def _open(wanted: JobFilter) -> JobFilter:
    """Those of the jobs that have not ended."""
    if wanted.states:
        return wanted.having(states=tuple(state for state in wanted.states if not JobState(state).is_final))
    return wanted.having(is_open=True)
