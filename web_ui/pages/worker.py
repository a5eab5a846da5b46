"""One worker: who it is, what it holds, how its work went, and everything it did."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import (
    EventQuery,
    EventsFound,
    IdeaDetail,
    IdeaPage,
    Leaderboard,
    LeaderboardQuery,
    NotFound,
    TaskDetail,
    TaskPage,
    VariantStatus,
    WorkerDetail,
    WorkerQuery,
)
from web_ui.active import Here
from web_ui.event_rows import EventRow, EventRows
from web_ui.filters import Moment, duration, plural, with_query
from web_ui.frame import experiment_frame
from web_ui.standing import heading
from web_ui.templating import Frame

EVENTS = 20
HELD = 50
NEWEST = 10


@dataclass(frozen=True)
class Tally:
    """How many variants it executed with one end; `is_more` when they are not all counted."""

    status: str
    count: int
    is_more: bool
    href: str


@dataclass(frozen=True)
class Done:
    """One task that it handed in, or one idea that it had."""

    key: str
    title: str
    href: str
    kind: str
    status: str
    moment: Moment


@dataclass(frozen=True)
class OneWorker:
    """The page at /e/{experiment}/admin/workers/{worker}."""

    template: ClassVar[str] = "admin_workers/show.html"

    frame: Frame
    worker: WorkerDetail
    name: str
    labels: tuple[tuple[str, str], ...]
    registered_by: str
    held: tuple[tuple[TaskDetail, str], ...]
    done: tuple[Done, ...]
    """The newest tasks that it handed in."""
    done_href: str
    ideas: tuple[Done, ...]
    ideas_href: str
    tallies: tuple[Tally, ...]
    paces: tuple[tuple[str, str, str], ...]
    """Kinds of tasks, how many of each, and how long one took; no rows where nobody counts them."""
    success: str
    events: tuple[EventRow, ...]
    events_href: str | None
    workers_href: str


async def show(here: Here) -> Response:
    """What is known of a worker, asked in parallel."""
    worker_id = str(here.visit.request.path_params["worker"])[:200]
    found = await here.store.list_worker_details(WorkerQuery(worker_id=worker_id))
    if not found.workers:
        raise NotFound(f"there is no worker {worker_id[:60]} here")
    worker = found.workers[0]
    ends = (VariantStatus.SUCCESS, VariantStatus.ERROR, VariantStatus.EVALUATION_ERROR)
    (held, done, ideas), told, boards, paces, fleet = await asyncio.gather(
        _work(here, worker_id),
        _events(here, worker_id),
        asyncio.gather(*(_executed(here, worker_id, end) for end in ends)),
        _paces(here, worker_id),
        here.visit.fleet(),
    )
    tallies = tuple(_tally(here, worker_id, end, board) for end, board in zip(ends, boards, strict=True))
    name = worker.name or worker.worker_id
    rows = _rows(here, worker)
    return here.visit.show(
        OneWorker(
            frame=experiment_frame(here, name, "workers", fleet),
            worker=worker,
            name=name,
            labels=tuple((worker.labels or {}).items()),
            registered_by=worker.registered_by or "",
            held=tuple((task, here.url("task", task=task.task_id)) for task in held.items),
            done=tuple(_done(here, one) for one in done.items),
            done_href=with_query(here.url("tasks"), by=worker_id),
            ideas=tuple(_idea(here, one) for one in ideas.items),
            ideas_href=with_query(here.url("ideas"), by=worker_id),
            tallies=tallies,
            paces=paces,
            success=_success(tallies),
            events=tuple(map(rows.of, told.events)) if told else (),
            events_href=with_query(here.url("events"), by=worker_id) if told else None,
            workers_href=here.url("workers"),
        )
    )


async def _work(here: Here, worker_id: str) -> tuple[TaskPage, TaskPage, IdeaPage]:
    """What it holds, the newest that it handed in, and its newest ideas."""
    return await asyncio.gather(
        here.store.list_task_page(claimed_by=worker_id, limit=HELD),
        here.store.list_task_page(submitted_by=worker_id, limit=NEWEST),
        here.store.list_idea_page(created_by=worker_id, limit=NEWEST),
    )


def _done(here: Here, one: TaskDetail) -> Done:
    href = here.url("task", task=one.task_id)
    return Done(one.task_id, heading(one), href, one.kind, one.state.value, one.updated_at)


def _idea(here: Here, one: IdeaDetail) -> Done:
    made = plural(len(one.variant_ids), "variant") if one.variant_ids else ""
    return Done(one.idea_id, one.slug, here.url("idea", idea=one.idea_id), made, one.state.value, one.created_at)


async def _events(here: Here, worker_id: str) -> EventsFound | None:
    """The newest that it did; other servers' logs cannot be searched."""
    if not here.visit.offers.is_ours:
        return None
    return await here.store.find_events(EventQuery(by=worker_id, limit=EVENTS))


async def _paces(here: Here, worker_id: str) -> tuple[tuple[str, str, str], ...]:
    """What it handed in; other servers do not count it."""
    if not here.visit.offers.is_ours:
        return ()
    told = await here.store.read_worker_paces(worker_id)
    return tuple((one.kind, f"{one.tasks:,}", f"about {duration(one.median_seconds)}") for one in told.paces)


async def _executed(here: Here, worker_id: str, end: VariantStatus) -> Leaderboard:
    return await here.store.list_leaderboard(LeaderboardQuery(worker=worker_id, status=end, limit=1))


def _tally(here: Here, worker_id: str, end: VariantStatus, board: Leaderboard) -> Tally:
    href = with_query(here.url("variants"), worker=worker_id, status=str(end))
    return Tally(str(end), board.total or 0, board.is_more, href)


def _success(tallies: tuple[Tally, ...]) -> str:
    """How many of those that ended went well, as people say it."""
    ended = sum(one.count for one in tallies)
    if not ended:
        return "It has executed no variant that ended."
    share = f"{100 * tallies[0].count / ended:.0f} %"
    about = "about " if any(one.is_more for one in tallies) else ""
    return f"{about}{share} of {plural(ended, 'variant')} that it executed succeeded.".capitalize()


def _rows(here: Here, worker: WorkerDetail) -> EventRows:
    named = {worker.worker_id: worker.name} if worker.name else {}
    one = here.experiment
    return EventRows(
        here.visit, {one.experiment_id: one}, named, lambda position: here.url("event", position=str(position))
    )
