"""The queue: what runs, what waits in which order and why, what ended, and the slots it all runs on."""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from store_client import ExperimentSummary, Fleet, JobFilter, JobPage, JobState, SchedulerStatus
from web_ui.active import Here, find
from web_ui.filters import plural
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.listing import Pager, Place
from web_ui.queue_filters import FIELDS, Filters, filters
from web_ui.queue_rows import JobRow, Rows
from web_ui.slots_card import Slots, slots
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

RUNNING = (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)
MOST_RUNNING = 100
WAITING = 50
ENDED = 10


@dataclass(frozen=True)
class Queue:
    """The page at /queue, and at /e/{experiment}/jobs for one experiment."""

    template: ClassVar[str] = "queue/index.html"

    frame: Frame
    title: str
    sentence: str
    experiments: tuple[Tab, ...]
    filters: Filters
    running: tuple[JobRow, ...]
    more_running: int
    waiting: tuple[JobRow, ...]
    pager: Pager | None
    waiting_total: int
    held_back: int
    """Jobs that wait for more than a slot."""
    no_start: str | None
    ended: tuple[JobRow, ...]
    slots: Slots
    is_of_experiment: bool


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
    experiments = await visit.client.list_experiment_summaries()
    chosen = find(experiments, place.fields.get("experiment", ""))
    narrowed = filters(visit, place, chosen)
    if narrowed.is_narrow:
        return await _narrowed(visit, place, (experiments, chosen, narrowed))
    found = await _look(visit, chosen.experiment_id if chosen else None, place)
    rows = Rows.among(visit, experiments)
    frame = deployment_frame(visit, experiments, "Queue", "queue", found.fleet)
    return visit.show(
        Queue(
            frame=frame, title="Queue", experiments=_experiments(place, experiments, chosen), filters=narrowed,
            is_of_experiment=False, **_parts(visit, place, found, rows),
        )
    )  # fmt: skip


async def of_experiment(here: Here) -> Response:
    """One experiment's jobs."""
    visit, place = here.visit, Place.of(here.visit.request)
    found = await _look(visit, here.experiment.experiment_id, place)
    frame = experiment_frame(here, "Jobs", "experiment_jobs", found.fleet)
    return visit.show(
        Queue(
            frame=frame, title="Jobs", experiments=(), filters=filters(visit, place, here.experiment),
            is_of_experiment=True, **_parts(visit, place, found, Rows(visit, {})),
        )
    )  # fmt: skip


async def _look(visit: Visit, scope: str | None, place: Place) -> Found:
    """Four questions, however long the queue is."""
    client = visit.client
    running, queue, ended, fleet = await asyncio.gather(
        client.list_jobs(scope, wanted=JobFilter(states=RUNNING), limit=MOST_RUNNING),
        client.read_queue(scope, after=place.after, limit=WAITING),
        client.list_jobs(scope, is_open=False, limit=ENDED),
        client.read_fleet(),
    )
    return Found(running, queue, ended, fleet)


def _parts(visit: Visit, place: Place, found: Found, rows: Rows) -> dict[str, Any]:
    queue = found.queue
    pager = place.pager(len(queue.items), queue.next, queue.total, size=WAITING)
    return {
        "sentence": found.sentence,
        "running": rows.of(reversed(found.running.items)),
        "more_running": (found.running.total or 0) - len(found.running.items),
        "waiting": rows.queued(queue.items),
        "pager": pager if queue.next or place.trail else None,
        "waiting_total": queue.total,
        "held_back": max(0, queue.states.get("queued", 0) - queue.total),
        "no_start": queue.no_start if queue.items else None,
        "ended": rows.of(found.ended.items),
        "slots": slots(visit, found.fleet),
    }


def _experiments(
    place: Place, experiments: tuple[ExperimentSummary, ...], chosen: ExperimentSummary | None
) -> tuple[Tab, ...]:
    if len(experiments) < 2:
        return ()
    everything = Tab("All experiments", place.having(experiment=None), is_current=chosen is None)
    each = (Tab(one.name, place.having(experiment=one.slug), is_current=one is chosen) for one in experiments)
    return (everything, *each)


@dataclass(frozen=True)
class ChosenJobsPage:
    """The page at /queue when it is narrowed by more than an experiment."""

    template: ClassVar[str] = "queue/chosen.html"

    frame: Frame
    sentence: str
    experiments: tuple[Tab, ...]
    filters: Filters
    jobs: tuple[JobRow, ...]
    pager: Pager


async def _narrowed(
    visit: Visit, place: Place, about: tuple[tuple[ExperimentSummary, ...], ExperimentSummary | None, Filters]
) -> Response:
    """The jobs that the conditions leave, newest first."""
    experiments, chosen, narrowed = about
    page, fleet = await asyncio.gather(
        visit.client.list_jobs(wanted=narrowed.wanted, after=place.after, limit=WAITING), visit.client.read_fleet()
    )
    total = f"{plural(page.total, 'job')}" if page.total is not None else "The jobs"
    return visit.show(
        ChosenJobsPage(
            frame=deployment_frame(visit, experiments, "Queue", "queue", fleet),
            sentence=f"{total} {narrowed.words}.",
            experiments=_experiments(place, experiments, chosen),
            filters=narrowed,
            jobs=Rows.among(visit, experiments).of(page.items),
            pager=place.pager(len(page.items), page.next, page.total, size=WAITING),
        )
    )
