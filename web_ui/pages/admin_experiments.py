"""The experiments of the deployment: what they do, what is archived, and what is registered and not made yet."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentLine, ExperimentPage, ExperimentPageQuery, Status, UnmadeExperiment
from web_ui.filters import Moment, short_id, with_query
from web_ui.frame import deployment_frame
from web_ui.listing import Pager, Place, choice
from web_ui.pages.home import LONGEST_SEARCH, WORDS
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

ROWS, UNMADE = 40, 20
STATES = {**WORDS, "cancelled": "Cancelled"}


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment in the table."""

    name: str
    slug: str
    href: str
    status: str
    variants: int
    best: float | None
    tags: tuple[str, ...]
    decides: str
    """Who holds the lease on it; nothing where nobody does."""
    decides_until: Moment | None
    lease_href: str
    made_at: Moment
    active_at: Moment | None
    settings_href: str
    clone_href: str


@dataclass(frozen=True)
class UnmadeRow:
    """An id that waits for its experiment."""

    experiment_id: str
    name: str
    registered_at: Moment
    href: str


@dataclass(frozen=True)
class Experiments:
    """`/admin/experiments`."""

    template: ClassVar[str] = "admin_experiments/index.html"

    frame: Frame
    sentence: str
    rows: tuple[ExperimentRow, ...]
    unmade: tuple[UnmadeRow, ...]
    has_more_unmade: bool
    filters: tuple[Tab, ...]
    search: str
    kept: tuple[tuple[str, str], ...]
    all_href: str
    is_archive: bool
    pager: Pager


async def index(visit: Visit) -> Response:
    """Every experiment, those that are under way first."""
    place = Place.of(visit.request, "q", "status", "archived")
    query = _query(visit, place)
    found, unmade, first, fleet = await asyncio.gather(
        visit.client.list_experiment_page(query),
        visit.client.list_unmade_experiments(UNMADE),
        visit.beside(),
        visit.fleet(),
    )
    page = Experiments(
        frame=deployment_frame(visit, first, "Experiments", "experiments", fleet),
        sentence="What there is in this deployment, and how new experiments are made.",
        rows=tuple(_row(visit, one) for one in found.items),
        unmade=tuple(_unmade(visit, one) for one in unmade.experiments),
        has_more_unmade=unmade.next is not None,
        filters=_filters(place, found, query),
        search=query.q or "",
        kept=tuple((name, value) for name, value in place.fields.items() if name != "q"),
        all_href=place.having(q=None, status=None, archived=None),
        is_archive=query.archived,
        pager=place.pager(len(found.items), found.next, found.total, size=ROWS),
    )
    return visit.show(page)


def _query(visit: Visit, place: Place) -> ExperimentPageQuery:
    status = choice(visit.request, "status", tuple(Status))
    return ExperimentPageQuery(
        q=place.fields.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH] or None,
        status=Status(status) if status else None,
        archived=place.fields.get("archived") == "true",
        with_leases=True,
        after=place.after,
        limit=ROWS,
    )


def _filters(place: Place, page: ExperimentPage, query: ExperimentPageQuery) -> tuple[Tab, ...]:
    """Each state that there is, and the archive."""
    kept = "true" if query.archived else None
    is_all = query.status is None and not query.archived
    tabs = [Tab("All", place.having(status=None, archived=None), is_current=is_all)]
    for status, words in STATES.items():
        if count := page.by_status.get(status):
            href = place.having(status=status, archived=kept)
            tabs.append(Tab(words, href, count, is_current=query.status == status))
    is_whole_archive = query.archived and query.status is None
    return (*tabs, Tab("Archived", place.having(status=None, archived="true"), is_current=is_whole_archive))


def _row(visit: Visit, one: ExperimentLine) -> ExperimentRow:
    return ExperimentRow(
        name=one.name,
        slug=one.slug,
        href=visit.url("overview", experiment=one.slug),
        status=str(one.status),
        variants=one.counts.variants,
        best=one.best,
        tags=one.tags,
        decides=(one.lease.holder_name or short_id(one.lease.holder)) if one.lease else "",
        decides_until=one.lease.expires_at if one.lease else None,
        lease_href=with_query(visit.url("leases"), q=one.experiment_id),
        made_at=one.created_at,
        active_at=one.last_event_at,
        settings_href=visit.url("settings", experiment=one.slug),
        clone_href=f"{visit.url('new_experiment')}?clone_of={one.experiment_id}",
    )


def _unmade(visit: Visit, one: UnmadeExperiment) -> UnmadeRow:
    href = f"{visit.url('new_experiment')}?as={one.experiment_id}"
    return UnmadeRow(one.experiment_id, one.name or one.experiment_id, one.created_at, href)
