"""Cancelling several jobs at once: first how many and which, then, of exactly those, the act."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import CancelJobs, ChangedJobs, Refused
from web_ui.filters import plural, with_query
from web_ui.frame import deployment_frame
from web_ui.listing import Place
from web_ui.pages.queue import chosen_of
from web_ui.queue_filters import FIELDS, Filters, filters
from web_ui.queue_places import SlotNames
from web_ui.queue_rows import JobRow, Rows
from web_ui.queue_theirs import theirs
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
    experiments, chosen = await chosen_of(visit, place)
    narrowed = filters(visit, place, chosen)
    if narrowed.cancel_href is None or narrowed.open is None:
        return visit.go(narrowed.clear_href, ("failed", NOTHING_CHOSEN))
    wanted = narrowed.open
    counted, sample, fleet = await asyncio.gather(
        _cancel(visit, CancelJobs(filter=wanted, is_preview=True)),
        visit.client.list_jobs(wanted=await theirs(visit, wanted), limit=SAMPLE),
        visit.client.read_fleet(),
    )
    page = CancelSeveral(
        frame=deployment_frame(visit, experiments, "Cancel several", "queue", fleet),
        sentence=_sentence(visit, counted.matched, narrowed),
        count=counted.matched,
        up_to=counted.up_to,
        filters=narrowed,
        jobs=Rows(visit, SlotNames.of(fleet)).each(sample.items),
        action=narrowed.cancel_href,
    )
    return visit.show(page)


def _sentence(visit: Visit, count: int, narrowed: Filters) -> str:
    whose = "" if visit.is_administrator else " that you may cancel"
    return f"{plural(count, 'job')} {narrowed.words}{whose}: those that wait end at once, those that run are stopped."


async def cancel_several(visit: Visit) -> Response:
    """Cancel exactly the jobs that were counted; when they are others by now, say so and count again."""
    place, form = Place.of(visit.request, "experiment", *FIELDS), await visit.request.form()
    _, chosen = await chosen_of(visit, place)
    narrowed = filters(visit, place, chosen)
    expected, up_to = str(form.get("count", "")), str(form.get("up_to", ""))
    is_said = expected.isdecimal() and up_to.isdecimal() and len(expected) < 10 and 0 < len(up_to.lstrip("0")) < 10
    if narrowed.cancel_href is None or narrowed.open is None or not is_said:
        return visit.go(narrowed.clear_href, ("failed", NOTHING_CHOSEN))
    act = f"act_{secrets.token_hex(8)}"
    body = CancelJobs(filter=narrowed.open, expected_count=int(expected), up_to=int(up_to), act_id=act)
    changed, refusal = await _cancel_all(visit, body)
    told = f"{plural(changed, 'job')} {'is' if changed == 1 else 'are'} cancelled"
    if refusal is not None:
        told = f"{told}, the others are not" if changed else "Nothing was cancelled"
        return visit.go(narrowed.cancel_href, ("failed", f"{told}: {refusal.detail}."))
    return visit.go(with_query(visit.url("queue"), act=act), ("done", f"{told}."))


async def _cancel_all(visit: Visit, body: CancelJobs) -> tuple[int, Refused | None]:
    """Part after part, until none is left or one is refused; the count is checked once, with the first."""
    changed = 0
    for _ in range(MOST_CALLS):
        try:
            part = await _cancel(visit, body)
        except Refused as refusal:
            return changed, refusal
        changed += part.changed
        if not part.left:
            break
        body = body.having(expected_count=None)
    return changed, None


async def _cancel(visit: Visit, body: CancelJobs) -> ChangedJobs:
    """As an administrator anybody's; else one's own, in the experiment that is chosen."""
    scope = body.filter.experiment_id
    if visit.is_administrator or scope is None:
        return await visit.client.cancel_jobs(body)
    store = visit.console.factory.store(visit.who, scope)
    return await store.cancel_experiment_jobs(body.having(filter=body.filter.having(experiment_id=None)))
