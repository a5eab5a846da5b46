"""The deployment home: what needs me, how the experiments do, what the queue does."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import (
    ExperimentLine,
    ExperimentPage,
    ExperimentPageQuery,
    Fleet,
    Job,
    JobFilter,
    JobState,
    Status,
)
from web_ui.filters import Direction, Moment, plural
from web_ui.frame import deployment_frame, needs, same_page
from web_ui.kept_lists import BESIDE
from web_ui.lines import Counts, JobLine, Need, counts_of, gain, in_flight, job_line, needs_of, objective_phrase
from web_ui.listing import Pager, Place, choice
from web_ui.pages.home_lists import lists_of
from web_ui.sparklines import Sparkline, sparkline
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

JOBS, NEEDS = 8, 12
ON_SLOTS = (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)
LONGEST_SEARCH = 200
WORDS = {"running": "Running", "paused": "Paused", "draft": "Drafts", "completed": "Completed", "failed": "Failed"}


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment in the table; `objective` is a phrase ("maximise accuracy")."""

    slug: str
    name: str
    href: str
    status: str
    objective: str
    direction: Direction
    best: float | None
    best_name: str
    delta: float | None
    spark: Sparkline | None
    counts: Counts
    running: int
    waiting: int
    needs_you: int
    updated_at: Moment | None


@dataclass(frozen=True)
class QueueSummary:
    """The queue in two figures and its first jobs."""

    running: int
    waiting: int
    jobs: tuple[JobLine, ...]


@dataclass(frozen=True)
class Home:
    """The page at /."""

    template: ClassVar[str] = "home/index.html"

    frame: Frame
    sentence: str
    needs: tuple[Need, ...]
    experiments: tuple[ExperimentRow, ...]
    queue: QueueSummary | None
    needing: int = 0
    needing_href: str = ""
    total: str = ""
    filters: tuple[Tab, ...] = ()
    search: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    is_narrowed: bool = False
    all_href: str = ""
    pager: Pager | None = None
    new_href: str = ""


async def show(visit: Visit) -> Response:
    """The home page."""
    place = Place.of(visit.request, "q", "status", "needs", "to")
    query = _query(visit, place)
    lists, fleet, open_jobs = await asyncio.gather(lists_of(visit, query), visit.fleet(), _open_jobs(visit))
    found = lists.page
    needed = [need for one in found.waiting for need in needs_of(visit, one)][:NEEDS]
    is_paged = place.after is not None or found.next is not None
    page = Home(
        frame=deployment_frame(visit, lists.first, "Home", "home", fleet),
        sentence=_sentence(found, len(needed), fleet),
        needs=tuple(needed),
        needing=found.needing,
        needing_href=place.having(needs="true", q=None, status=None),
        experiments=tuple(_row(visit, one) for one in found.items),
        total=f"{found.total:,}" if found.total is not None else "10,000+",
        filters=_filters(place, found, query),
        search=query.q or "",
        kept=tuple((name, value) for name, value in place.fields.items() if name != "q"),
        is_narrowed=bool(place.fields.keys() - {"to"}),
        all_href=place.having(q=None, status=None, needs=None, to=None),
        pager=place.pager(len(found.items), found.next, found.total, size=BESIDE.limit) if is_paged else None,
        queue=_queue(visit, open_jobs, (*found.items, *found.waiting), fleet) if fleet else None,
        new_href=visit.url("new_experiment") if visit.manages_deployment else "",
    )
    return visit.show(page)


def _query(visit: Visit, place: Place) -> ExperimentPageQuery:
    status = choice(visit.request, "status", tuple(Status))
    return ExperimentPageQuery(
        q=place.fields.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH] or None,
        status=Status(status) if status else None,
        needs=True if place.fields.get("needs") == "true" else None,
        after=place.after,
        limit=BESIDE.limit,
        first_needing=BESIDE.first_needing,
    )


async def _open_jobs(visit: Visit) -> tuple[Job, ...]:
    """The first jobs of the queue: those on slots, the oldest first, and then who waits, the next one first."""
    if not (visit.offers.is_ours and visit.sees_deployment):
        return ()
    running, queue = await asyncio.gather(
        visit.client.list_jobs(wanted=JobFilter(states=ON_SLOTS), limit=JOBS), visit.client.read_queue(limit=JOBS)
    )
    return (*reversed(running.items), *(one.job for one in queue.items))[:JOBS]


def _filters(place: Place, page: ExperimentPage, query: ExperimentPageQuery) -> tuple[Tab, ...]:
    """All of them, those that need somebody, and each status that there is."""
    is_all = query.status is None and not query.needs
    total = sum(page.by_status.values())
    tabs = [Tab("All", place.having(status=None, needs=None), total, is_current=is_all)]
    if page.needing:
        wanting = place.having(status=None, needs="true")
        tabs.append(Tab("Need you", wanting, page.needing, is_hot=True, is_current=bool(query.needs)))
    for status, words in WORDS.items():
        if count := page.by_status.get(status):
            href = place.having(status=status, needs=None)
            tabs.append(Tab(words, href, count, is_current=query.status == status))
    return tuple(tabs)


def _sentence(page: ExperimentPage, needed: int, fleet: Fleet | None) -> str:
    living = _living(page.by_status.get("running", 0), sum(page.by_status.values()))
    if fleet is None:
        return f"{living}."
    more = page.needing > needed
    count = f"{page.needing:,} experiments" if more else plural(needed, "thing")
    needing = f"{count} {_verb(page.needing if more else needed, 'need')} you" if needed else "Nothing needs you"
    return f"{living}. {needing}. {_working(fleet.summary.running, fleet.summary.waiting)}."


def _living(live: int, total: int) -> str:
    if live == 0:
        return "No experiment runs" if total else "There is no experiment yet"
    if live == total:
        return {1: "The one experiment runs", 2: "Both experiments run"}.get(total, f"All {total:,} experiments run")
    return f"{live:,} of {plural(total, 'experiment')} {_verb(live, 'run')}"


def _working(running: int, waiting: int) -> str:
    if not running and not waiting:
        return "No job runs or waits"
    if not running:
        return f"{plural(waiting, 'job')} {_verb(waiting, 'wait')}"
    return f"{plural(running, 'job')} {_verb(running, 'run')}, {waiting or 'none'} {_verb(waiting or 1, 'wait')}"


def _verb(count: int, verb: str) -> str:
    return verb + "s" if count == 1 else verb


def _row(visit: Visit, one: ExperimentLine) -> ExperimentRow:
    running, waiting = in_flight(one)
    return ExperimentRow(
        slug=one.slug,
        name=one.name,
        href=same_page(visit, one.slug, visit.request.query_params.get("to", "")),
        status=str(one.status),
        objective=objective_phrase(one),
        direction=one.objective.direction,
        best=one.best,
        best_name=one.best_label or "",
        delta=gain(one),
        spark=_spark(one),
        counts=counts_of(one),
        running=running,
        waiting=waiting,
        needs_you=needs(visit, one),
        updated_at=one.updated_at,
    )


def _spark(one: ExperimentLine) -> Sparkline | None:
    """The best by variant: better is always higher up."""
    sign = 1 if one.objective.direction == "maximize" else -1
    last = max(one.counts.variants, *(step.number for step in one.steps), 1) if one.steps else 1
    places = [(step.number - 1) / last for step in one.steps]
    return sparkline([sign * float(step.value) for step in one.steps], f"Best so far of {one.name}", places)


def _queue(visit: Visit, jobs: tuple[Job, ...], experiments: tuple[ExperimentLine, ...], fleet: Fleet) -> QueueSummary:
    lines = tuple(job_line(visit, job, experiments) for job in jobs)
    return QueueSummary(fleet.summary.running, fleet.summary.waiting, lines)
