"""The tasks of an experiment: what waits, who works on what, and what is done."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import KINDS, TASK_FIELDS, TaskDetail, TaskKind, TaskPage, TaskState, TaskView
from web_ui.active import Here
from web_ui.filters import Moment, plural, with_query
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.saved_views import ViewBar, bar, beginning, besides, views_of
from web_ui.standing import heading
from web_ui.task_filters import FilterBox, WantedTasks, box, of_tasks
from web_ui.templating import Frame, Tab

HINT = "state:claimed age>2h words of a name"
OPEN_STATES = (TaskState.PENDING, TaskState.CLAIMED, TaskState.SUBMITTED)


@dataclass(frozen=True)
class TaskRow:
    """One task in the table."""

    task_id: str
    title: str
    href: str
    kind: str
    status: str
    who: str
    priority: float
    moment: Moment


@dataclass(frozen=True)
class Tasks:
    """The page at /e/{experiment}/tasks."""

    template: ClassVar[str] = "tasks/index.html"

    frame: Frame
    sentence: str
    kinds: tuple[Tab, ...]
    states: tuple[Tab, ...]
    held: tuple[TaskRow, ...]
    rows: tuple[TaskRow, ...]
    pager: Pager
    is_open: bool
    order: str
    box: FilterBox
    views: ViewBar | None
    many: tuple[Tab, ...]
    """What can be done to all of these at once."""


async def index(here: Here) -> Response:
    """The open tasks, or a page of those in one state or in any."""
    place = Place.of(here.visit.request, "q", "kind", "state", "by")
    found, views = await asyncio.gather(of_tasks(here, place), views_of(here.visit, "tasks"))
    if (path := beginning(here.visit, views)) is not None:
        return here.visit.go(path)
    place, wanted = replace(place, fields=besides(place.fields, views)), found.narrowing
    state, kind = wanted.chosen.get("state"), next((one for one in KINDS if one == wanted.chosen.get("kind")), None)
    if state is None and (found.worker is not None or found.beyond):
        state = "any"
    (held, page), fleet = await asyncio.gather(
        _found(here, place, kind, state, found) if not wanted.problem else _nothing(), here.visit.fleet()
    )
    return here.visit.show(
        Tasks(
            frame=experiment_frame(here, "Tasks", "tasks", fleet),
            sentence=_sentence(here.experiment.counts.tasks),
            kinds=_kinds(place, kind),
            states=_states(place, state),
            held=tuple(row(here, one) for one in held),
            rows=tuple(row(here, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total, is_more=page.is_more),
            is_open=state is None and not wanted.problem,
            order="the newest first" if found.is_by_age else "by priority",
            box=box(place, wanted, TASK_FIELDS, HINT),
            views=bar(here, "tasks", views, is_understood=not wanted.problem),
            many=_many(here, found),
        )
    )


async def _found(
    here: Here, place: Place, kind: TaskKind | None, state: str | None, wanted: WantedTasks
) -> tuple[tuple[TaskDetail, ...], TaskPage]:
    """The tasks that somebody works on, where open ones are meant, and a page of the others."""
    read = here.store.list_task_page
    if state is not None:
        one = None if state == "any" else TaskState(state)
        view: TaskView = {**wanted.beyond, "after": place.after, "limit": PAGE}
        return (), await read(kind, one, wanted.worker, **view)
    waiting, claimed, submitted = await asyncio.gather(
        read(kind, TaskState.PENDING, after=place.after, limit=PAGE),
        read(kind, TaskState.CLAIMED, limit=PAGE),
        read(kind, TaskState.SUBMITTED, limit=PAGE),
    )
    return (*submitted.items, *claimed.items), waiting


async def _nothing() -> tuple[tuple[TaskDetail, ...], TaskPage]:
    """What is found by conditions that are not understood."""
    return (), TaskPage(items=())


def _many(here: Here, found: WantedTasks) -> tuple[Tab, ...]:
    """Acts on all that the box chooses, for administrators, where it leaves something out that acts can be told."""
    if not here.visit.is_administrator:
        return ()
    log, wanted = Tab("Acts on many", here.url("bulk_acts")), found.narrowing
    if not found.is_narrow:
        return (log,)
    acts = (("Take these back…", "take_back"), ("Give these to others…", "reassign"))
    return (*(Tab(words, with_query(here.url("bulk_preview"), act=act, q=wanted.text)) for words, act in acts), log)


def row(here: Here, task: TaskDetail) -> TaskRow:
    """A task as lists show it."""
    return TaskRow(
        task_id=task.task_id,
        title=heading(task),
        href=here.url("task", task=task.task_id),
        kind=task.kind,
        status=task.state.value,
        who=task.claimant_name or (f"for {task.target_name}" if task.target_name else ""),
        priority=task.priority,
        moment=task.updated_at,
    )


def _sentence(counts: Mapping[str, int]) -> str:
    open_now = {state: sum(counts.get(f"{kind}.{state}", 0) for kind in KINDS) for state in OPEN_STATES}
    if not any(open_now.values()):
        return "No task is open."
    waits, held, submitted = (open_now[state] for state in OPEN_STATES)
    rest = f", {submitted} submitted" if submitted else ""
    return f"{plural(waits, 'task')} {'waits' if waits == 1 else 'wait'}, {held} claimed{rest}."


def _kinds(place: Place, kind: TaskKind | None) -> tuple[Tab, ...]:
    each = (Tab(one.capitalize(), place.having(q=None, kind=one), is_current=one == kind) for one in KINDS)
    return (Tab("Every kind", place.having(q=None, kind=None), is_current=kind is None), *each)


def _states(place: Place, state: str | None) -> tuple[Tab, ...]:
    named = ((None, "Open"), *((one.value, one.value.capitalize()) for one in TaskState), ("any", "All"))
    return tuple(Tab(words, place.having(q=None, state=one), is_current=one == state) for one, words in named)
