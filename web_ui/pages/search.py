"""Searching: whatever has these words, in one experiment or everywhere; an id leads straight to its page."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import SEARCHED, ExperimentSummary, Found, SearchPage
from web_ui.active import Here
from web_ui.filters import Moment, plural
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.listing import PAGE, Pager, Place, choice
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

LONGEST = 200


@dataclass(frozen=True)
class FoundRow:
    """One thing that was found."""

    key: str
    kind: str
    id: str
    title: str
    text: str
    href: str
    experiment: str
    moment: Moment


@dataclass(frozen=True)
class Search:
    """The page at /search."""

    template: ClassVar[str] = "search/index.html"

    frame: Frame
    q: str
    within: str
    kind: str
    sentence: str
    scopes: tuple[Tab, ...]
    kinds: tuple[Tab, ...]
    exact: tuple[FoundRow, ...]
    rows: tuple[FoundRow, ...]
    pager: Pager


async def show(visit: Visit) -> Response:
    """What was found; `stay` keeps an id from leading away."""
    request = visit.request
    place = Place.of(request, "q", "in", "kind")
    experiments = await visit.console.factory.experiments(visit.who)
    chosen = next((one for one in experiments if one.slug == place.fields.get("in")), None)
    q, named = place.fields.get("q", "").strip()[:LONGEST], choice(request, "kind", SEARCHED)
    found, fleet = await asyncio.gather(_found(visit, q, chosen, place), visit.fleet())
    if len(found.exact) == 1 and "stay" not in request.query_params:
        return visit.go(_href(visit, found.exact[0]))
    if chosen is None:
        frame = deployment_frame(visit, experiments, "Search", "search", fleet)
    else:
        frame = experiment_frame(Here(visit, chosen, experiments, visit.drawn_at), "Search", "search", fleet)
    return visit.show(
        Search(
            frame=replace(frame, live=None),
            q=q,
            within=chosen.slug if chosen else "",
            kind=named or "",
            sentence=f"In {chosen.name}." if chosen else f"In {plural(len(experiments), 'experiment')}.",
            scopes=_scopes(place, chosen),
            kinds=tuple(
                Tab(one.capitalize() + "s" if one else "Everything", place.having(kind=one), is_current=one == named)
                for one in (None, *SEARCHED)
                if visit.sees_deployment or one != "job"
            ),
            exact=tuple(_row(visit, one) for one in found.exact),
            rows=tuple(_row(visit, one) for one in found.items),
            pager=place.pager(len(found.items), found.next),
        )
    )


async def _found(visit: Visit, q: str, chosen: ExperimentSummary | None, place: Place) -> SearchPage:
    """What this person may look at; jobs have pages for those alone who see the deployment."""
    if not q or "\x00" in q:
        return SearchPage()
    kind = next((one for one in SEARCHED if one == place.fields.get("kind")), None)
    of_experiment = chosen.experiment_id if chosen else None
    found = await visit.client.search(q, of_experiment, kind, place.after, PAGE)
    if visit.sees_deployment:
        return found
    exact, items = (tuple(one for one in some if one.kind != "job") for some in (found.exact, found.items))
    return found.having(exact=exact, items=items)


def _scopes(place: Place, chosen: ExperimentSummary | None) -> tuple[Tab, ...]:
    """Everywhere, and the experiment that is being worked on."""
    everywhere = Tab("Everywhere", place.having(**{"in": None}), is_current=chosen is None)
    return (everywhere, Tab(chosen.name, place.having(), is_current=True)) if chosen else (everywhere,)


def _row(visit: Visit, one: Found) -> FoundRow:
    return FoundRow(
        key=f"{one.kind} {one.id}",
        kind=one.kind,
        id=one.id,
        title=one.title,
        text=one.text,
        href=_href(visit, one),
        experiment=one.experiment_name,
        moment=one.at,
    )


def _href(visit: Visit, one: Found) -> str:
    match one.kind:
        case "job":
            return visit.url("job", job=one.id)
        case "experiment":
            return visit.url("overview", experiment=one.experiment_slug)
        case _:
            return visit.url(one.kind, experiment=one.experiment_slug, **{one.kind: one.id})
