"""Every event: found by type, subject, actor, time and text, each with an address of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import EventKinds, EventQuery, EventsFound, ExperimentSummary, LogEvent, NotFound
from web_ui.active import Here
from web_ui.event_filters import POSITION, Filters, filters
from web_ui.event_rows import EventRow, EventRows, as_json
from web_ui.filters import exact, plural
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.listing import Pager
from web_ui.named_workers import worker_named
from web_ui.saved_views import ViewBar, bar, beginning, besides, views_of
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

MOST_TOLD = 10_000


@dataclass(frozen=True)
class Events:
    """The page at /e/{experiment}/events, and at /events for all."""

    template: ClassVar[str] = "events/index.html"

    frame: Frame
    sentence: str
    filters: Filters
    views: ViewBar | None
    kinds: tuple[Tab, ...]
    counted: int
    rows: tuple[EventRow, ...]
    pager: Pager
    looked_to: str | None
    """How far back a look came that found less than a page."""
    is_of_all: bool


@dataclass(frozen=True)
class OneEvent:
    """The page of one event, and the events right before and after it."""

    template: ClassVar[str] = "events/show.html"

    frame: Frame
    row: EventRow
    data: str
    around: tuple[EventRow, ...]
    list_href: str
    here_href: str
    """The list from this event on."""


async def index(here: Here) -> Response:
    """The events of one experiment."""
    narrowed = await _with_actor(here, filters(here.visit.request, here.visit.now))
    found, kinds, rows, views, fleet = await asyncio.gather(
        _found(here.store.find_events, narrowed),
        here.store.count_events(),
        _rows_of(here),
        views_of(here.visit, "events"),
        here.visit.fleet(),
    )
    if (path := beginning(here.visit, views)) is not None:
        return here.visit.go(path)
    place = replace(narrowed.place, fields=besides(narrowed.place.fields, views))
    frame = experiment_frame(here, "Events", "events", fleet)
    page = _page(frame, replace(narrowed, place=place), found, kinds, rows)
    bar_above = bar(here, "events", views, is_understood=not (narrowed.problem or narrowed.odd))
    return here.visit.show(replace(page, views=bar_above))


async def everywhere(visit: Visit) -> Response:
    """The events of every experiment and of the deployment itself."""
    narrowed, client = filters(visit.request, visit.now), visit.client
    found, kinds, experiments, fleet = await asyncio.gather(
        _found(client.find_deployment_events, narrowed),
        client.count_deployment_events(),
        visit.beside(),
        visit.fleet(),
    )
    frame = deployment_frame(visit, experiments, "Events", "all_events", fleet)
    rows = _rows_of_all(visit, await _experiments_of(visit, experiments, found.events))
    return visit.show(_page(frame, narrowed, found, kinds, rows))


async def _with_actor(here: Here, narrowed: Filters) -> Filters:
    """The same by the id of whom the box names."""
    named = narrowed.told.chosen.get("by")
    if named is None or named == "admin" or narrowed.problem:
        return narrowed
    worker_id, problem = await worker_named(here, named)
    chosen = {**narrowed.told.chosen, "by": worker_id or named}
    return replace(narrowed, told=replace(narrowed.told, chosen=chosen, problem=problem))


async def _found(find: Callable[[EventQuery], Awaitable[EventsFound]], narrowed: Filters) -> EventsFound:
    """A page of them; none by words that are not understood."""
    return EventsFound(events=()) if narrowed.problem else await find(narrowed.query)


async def show(here: Here) -> Response:
    """One event of the experiment."""
    position = _position(here.visit)
    before, after, rows, fleet = await asyncio.gather(
        here.store.find_events(_from(position, is_oldest_first=False)),
        here.store.find_events(_from(position, is_oldest_first=True)),
        _rows_of(here),
        here.visit.fleet(),
    )
    frame = experiment_frame(here, f"Event {position}", "events", fleet)
    return here.visit.show(_one(frame, (before, after), rows, here.url("events"), position))


async def show_anywhere(visit: Visit) -> Response:
    """One event, whatever it is of."""
    position, client = _position(visit), visit.client
    before, after, experiments, fleet = await asyncio.gather(
        client.find_deployment_events(_from(position, is_oldest_first=False)),
        client.find_deployment_events(_from(position, is_oldest_first=True)),
        visit.beside(),
        visit.fleet(),
    )
    frame = deployment_frame(visit, experiments, f"Event {position}", "all_events", fleet)
    rows = _rows_of_all(visit, await _experiments_of(visit, experiments, (*before.events, *after.events)))
    return visit.show(_one(frame, (before, after), rows, visit.url("all_events"), position))


def _position(visit: Visit) -> int:
    named = str(visit.request.path_params["position"])
    if POSITION.fullmatch(named) is None:
        raise NotFound("an event is named by its position in the log, a number")
    return int(named)


def _from(position: int, *, is_oldest_first: bool) -> EventQuery:
    return EventQuery(at=position, is_oldest_first=is_oldest_first, limit=6)


async def _rows_of(here: Here) -> EventRows:
    named = await here.store.list_workers()
    workers: Mapping[str, str] = {one.worker_id: one.name for one in named.workers if one.name}
    one = here.experiment
    return EventRows(
        here.visit, {one.experiment_id: one}, workers, lambda position: here.url("event", position=str(position))
    )


async def _experiments_of(
    visit: Visit, known: tuple[ExperimentSummary, ...], events: Iterable[LogEvent]
) -> tuple[ExperimentSummary, ...]:
    """What is known with the other experiments that events are of: as many as a page has, however many there are."""
    ids = {one.experiment_id for one in known}
    missing = {one.experiment_id for one in events if one.experiment_id} - ids
    return (*known, *(await visit.client.list_experiment_summaries(ids=sorted(missing)) if missing else ()))


def _rows_of_all(visit: Visit, experiments: tuple[ExperimentSummary, ...]) -> EventRows:
    known = {one.experiment_id: one for one in experiments}
    return EventRows(
        visit, known, {}, lambda position: visit.url("one_of_all_events", position=position), tells_where=True
    )


def _page(frame: Frame, narrowed: Filters, found: EventsFound, kinds: EventKinds, rows: EventRows) -> Events:
    following = str(found.next) if found.next is not None else None
    pager = narrowed.place.pager(len(found.events), following)
    is_short = found.next is not None and found.looked_to is not None and len(found.events) < narrowed.query.limit
    return Events(
        frame=frame,
        sentence=f"{plural(len(kinds.kinds), 'type')} of events. {_order(narrowed)}",
        filters=narrowed,
        views=None,
        kinds=tuple(_kind(narrowed, one.type, one.count) for one in kinds.kinds),
        counted=kinds.counted,
        rows=tuple(map(rows.of, found.events)),
        pager=replace(pager, shown=f"{plural(len(found.events), 'event')}{_total(narrowed, kinds)}"),
        looked_to=exact(found.looked_to) if is_short and found.looked_to is not None else None,
        is_of_all=rows.tells_where,
    )


def _total(narrowed: Filters, kinds: EventKinds) -> str:
    """Of how many, where that is known without a look at each: of all there are, and of all of a type."""
    query = narrowed.query
    if any((query.about, query.by, query.text, query.since, query.until)):
        return ""
    counts = [one.count for one in kinds.kinds if query.type in {None, one.type}]
    total, is_more = min(sum(counts), MOST_TOLD), any(count >= kinds.counted for count in counts)
    return f" of {total:,}{'+' if is_more or sum(counts) > MOST_TOLD else ''}" if counts else ""


def _order(narrowed: Filters) -> str:
    return "The oldest first." if narrowed.is_oldest_first else "The newest first."


def _kind(narrowed: Filters, type_: str, count: int) -> Tab:
    is_current = narrowed.wanted_type == type_
    return Tab(type_, narrowed.of_type(None if is_current else type_), count, is_current=is_current)


def _one(
    frame: Frame, nearby: tuple[EventsFound, EventsFound], rows: EventRows, list_href: str, position: int
) -> OneEvent:
    before, after = nearby
    event = next((one for one in before.events if one.position == position), None)
    if event is None:
        raise NotFound(f"no event here has position {position}")
    around: tuple[LogEvent, ...] = (*reversed(after.events[1:]), *before.events)
    return OneEvent(
        frame=frame,
        row=rows.of(event),
        data=as_json(event),
        around=tuple(map(rows.of, around)),
        list_href=list_href,
        here_href=f"{list_href}?at={position}",
    )
