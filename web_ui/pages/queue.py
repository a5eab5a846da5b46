"""The queue: what runs on which slots, what waits in which order and why, what ended, and who has how much of it."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.responses import Response

from store_client import (
    ArrayDetail,
    ExperimentSummary,
    Fleet,
    JobFilter,
    JobPage,
    JobState,
    ListedJobs,
    SavedView,
    SchedulerStatus,
)
from web_ui.active import Here, find
from web_ui.filters import plural
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.listing import Pager, Place
from web_ui.missing import NoSuchExperiment
from web_ui.pages.queue_undo import undo_href
from web_ui.queue_arrays import ArrayCard, array_card, read_array
from web_ui.queue_filters import FIELDS, Filters, filters
from web_ui.queue_places import SlotNames
from web_ui.queue_rows import JobRow, Rows
from web_ui.queue_shares import ShareRow, share_rows
from web_ui.queue_theirs import counted
from web_ui.saved_views import ViewBar, bar_of, beginning, besides, views_of
from web_ui.slots_card import Slots, slots
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

LAST_ENDED = ListedJobs(by_end=True)
RUNNING = (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)
MOST_RUNNING = 40
WAITING = 40
ENDED = 10
TABS = 6
Experiments = tuple[ExperimentSummary, ...]


@dataclass(frozen=True)
class Queue:
    """The page at /queue, and at /e/{experiment}/jobs for one experiment."""

    template: ClassVar[str] = "queue/index.html"

    frame: Frame
    title: str
    here: str
    """Where acts lead back to."""
    sentence: str
    experiments: tuple[Tab, ...]
    filters: Filters
    views: ViewBar | None
    running: tuple[JobRow, ...]
    more_running: int
    waiting: tuple[JobRow, ...]
    pager: Pager | None
    waiting_total: int
    held_back: int
    """Jobs that wait for more than a slot."""
    no_start: str | None
    ended: tuple[JobRow, ...]
    shares: tuple[ShareRow, ...]
    slots: Slots
    is_of_experiment: bool
    can_move: bool


@dataclass(frozen=True)
class Found:
    """What the page is made from."""

    running: JobPage
    queue: SchedulerStatus
    ended: JobPage
    fleet: Fleet

    @property
    def sentence(self) -> str:
        """How many wait and run, in words."""
        waiting, running = self.queue.states.get("queued", 0), self.running.total or len(self.running.items)
        if not waiting and not running:
            return "Nothing runs or waits."
        first = f"{plural(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}" if waiting else "No job waits"
        return f"{first}, {running:,} {'runs' if running == 1 else 'run'}."


async def show(visit: Visit) -> Response:
    """Every experiment's jobs, or those of the one that the address names."""
    place = Place.of(visit.request, "experiment", *FIELDS)
    (experiments, chosen), kept = await asyncio.gather(chosen_of(visit, place), views_of(visit, "jobs"))
    if (path := beginning(visit, kept)) is not None:
        return visit.go(path)
    place = replace(place, fields=besides(place.fields, kept))
    narrowed = filters(visit, place, chosen)
    views = _bar(visit, (experiments, narrowed), kept)
    if narrowed.is_narrow:
        return await _narrowed(visit, place, (experiments, chosen, narrowed, views))
    found, narrowed = await asyncio.gather(
        _look(visit, chosen.experiment_id if chosen else None, place), counted(visit, narrowed)
    )
    return visit.show(
        Queue(
            frame=deployment_frame(visit, experiments, "Queue", "queue", found.fleet),
            title="Queue",
            experiments=_tabs(place, (experiments, chosen), found.queue),
            filters=_knowing(narrowed, experiments),
            views=views,
            is_of_experiment=False,
            shares=share_rows(place, found.queue.loads, found.fleet.summary, chosen.experiment_id if chosen else None),
            **_parts(visit, place, found, Rows(visit, SlotNames.of(found.fleet))),
        )
    )


def _bar(visit: Visit, about: tuple[Experiments, Filters], kept: tuple[SavedView, ...]) -> ViewBar | None:
    """The views of the queue; they are changed beside those of other lists, which an experiment has."""
    experiments, narrowed = about
    manage = visit.url("views", experiment=experiments[0].slug) if experiments else None
    return bar_of(visit, "jobs", kept, (visit.url("save_job_view"), manage), is_understood=narrowed.is_open)


async def of_experiment(here: Here) -> Response:
    """One experiment's jobs."""
    visit, place = here.visit, Place.of(here.visit.request)
    narrowed = filters(visit, place, here.experiment)
    found, narrowed = await asyncio.gather(_look(visit, here.experiment_id, place), counted(visit, narrowed))
    return visit.show(
        Queue(
            frame=experiment_frame(here, "Jobs", "experiment_jobs", found.fleet),
            title="Jobs",
            experiments=(),
            filters=narrowed.inside(),
            views=None,
            is_of_experiment=True,
            shares=(),
            **_parts(visit, place, found, Rows(visit, SlotNames.of(found.fleet), is_of_one=True)),
        )
    )


async def chosen_of(visit: Visit, place: Place) -> tuple[Experiments, ExperimentSummary | None]:
    """Some experiments, and the one that the address names; NoSuchExperiment where there is none like that."""
    named = place.fields.get("experiment", "")
    experiments = await beside(visit, named)
    chosen = find(experiments, named) if named else None
    if named and chosen is None:
        raise NoSuchExperiment(named, experiments)
    return experiments, chosen


async def beside(visit: Visit, named: str = "") -> Experiments:
    """The experiments of the switcher as they were a moment ago, however many there are; and the one that is named."""
    return await visit.console.factory.experiments(visit.who, named)


async def _look(visit: Visit, scope: str | None, place: Place) -> Found:
    """Four questions, however long the queue is."""
    client = visit.client
    running, queue, ended, fleet = await asyncio.gather(
        client.list_jobs(scope, wanted=JobFilter(states=RUNNING), limit=MOST_RUNNING),
        client.read_queue(scope, after=place.after, limit=WAITING),
        client.list_jobs(scope, wanted=LAST_ENDED, limit=ENDED),
        client.read_fleet(),
    )
    return Found(running, queue, ended, fleet)


def _parts(visit: Visit, place: Place, found: Found, rows: Rows) -> dict[str, Any]:
    queue = found.queue
    pager = place.pager(len(queue.items), queue.next, queue.total, size=WAITING)
    return {
        "here": here_of(visit),
        "sentence": found.sentence,
        "running": rows.by_slot(found.running.items),
        "more_running": (found.running.total or 0) - len(found.running.items),
        "waiting": rows.queued(queue.items),
        "pager": pager if queue.next or place.trail else None,
        "waiting_total": queue.total,
        "held_back": max(0, queue.states.get("queued", 0) - queue.total),
        "no_start": queue.no_start if queue.items else None,
        "ended": rows.of(found.ended.items),
        "slots": slots(visit, found.fleet),
        "can_move": visit.manages_deployment and bool(queue.items),
    }


def here_of(visit: Visit) -> str:
    """The address of this page with everything that narrows it."""
    url = visit.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def _knowing(narrowed: Filters, experiments: Experiments) -> Filters:
    return narrowed.among(tuple((one.slug, one.name) for one in experiments))


def _tabs(place: Place, about: tuple[Experiments, ExperimentSummary | None], queue: SchedulerStatus) -> tuple[Tab, ...]:
    """A few experiments to look at alone: the chosen one, those that run or wait, then any; the form has all."""
    experiments, chosen = about
    names = {chosen.slug: chosen.name} if chosen else {}
    names |= {one.slug: one.name for one in queue.loads} | {one.slug: one.name for one in experiments}
    if len(names) < 2:
        return ()
    everything = Tab("All experiments", place.having(experiment=None), is_current=chosen is None)
    each = (
        Tab(name, place.having(experiment=slug), is_current=chosen is not None and slug == chosen.slug)
        for slug, name in list(names.items())[:TABS]
    )
    return (everything, *each)


@dataclass(frozen=True)
class ChosenJobsPage:
    """The page at /queue when it is narrowed by more than an experiment."""

    template: ClassVar[str] = "queue/chosen.html"

    frame: Frame
    here: str
    sentence: str
    experiments: tuple[Tab, ...]
    filters: Filters
    views: ViewBar | None
    jobs: tuple[JobRow, ...]
    pager: Pager
    array: ArrayCard | None
    undo_href: str | None
    """Where jobs that were cancelled together are queued again."""


async def _chosen(visit: Visit, narrowed: Filters, after: str | None) -> JobPage:
    if narrowed.is_by_end:
        scope = narrowed.wanted.experiment_id
        return await visit.client.list_jobs(scope, wanted=LAST_ENDED, after=after, limit=WAITING)
    return await visit.client.list_jobs(wanted=narrowed.wanted, after=after, limit=WAITING)


async def _narrowed(
    visit: Visit, place: Place, about: tuple[Experiments, ExperimentSummary | None, Filters, ViewBar | None]
) -> Response:
    """The jobs that the conditions leave, newest first; all that ended by their end."""
    experiments, chosen, narrowed, views = about
    page, fleet, narrowed, array, undo = await asyncio.gather(
        _chosen(visit, narrowed, place.after),
        visit.client.read_fleet(),
        counted(visit, narrowed),
        read_array(visit, narrowed.array),
        undo_href(visit, narrowed.act),
    )
    rows = Rows(visit, SlotNames.of(fleet))
    return visit.show(
        ChosenJobsPage(
            frame=deployment_frame(visit, experiments, "Queue", "queue", fleet),
            here=here_of(visit),
            sentence=_told(page, narrowed),
            experiments=_alone(place, chosen),
            filters=_knowing(narrowed, experiments),
            views=views,
            jobs=rows.each(page.items) if narrowed.array or narrowed.act else rows.of(page.items),
            pager=place.pager(len(page.items), page.next, page.total, size=WAITING),
            array=_card(visit, array),
            undo_href=undo,
        )
    )


def _card(visit: Visit, array: ArrayDetail | None) -> ArrayCard | None:
    return array_card(visit, array) if array is not None else None


def _told(page: JobPage, narrowed: Filters) -> str:
    total = plural(page.total, "job") if page.total is not None else "The jobs"
    return f"{total} {narrowed.words}."


def _alone(place: Place, chosen: ExperimentSummary | None) -> tuple[Tab, ...]:
    """Away from the one experiment that is chosen."""
    if chosen is None:
        return ()
    return (Tab("All experiments", place.having(experiment=None)), Tab(chosen.name, place.having(), is_current=True))
