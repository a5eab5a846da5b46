"""The tasks of an experiment: what waits, who works, and what became of each."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import KINDS, ROLE_OF, TaskDetail, TaskState
from web_ui.active import Here
from web_ui.filters import Moment, plural
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place, choice
from web_ui.pages.task_page import show
from web_ui.templating import Frame, Tab

__all__ = ["Tasks", "index", "show"]


@dataclass(frozen=True)
class TaskRow:
    """One task in the table; `desk_href` leads to where a person does it."""

    task_id: str
    title: str
    href: str
    kind: str
    state: str
    priority: float
    who: str
    moment: Moment
    desk_href: str | None


@dataclass(frozen=True)
class Tasks:
    """The page at /e/{experiment}/tasks."""

    template: ClassVar[str] = "tasks/index.html"

    frame: Frame
    sentence: str
    kinds: tuple[Tab, ...]
    states: tuple[Tab, ...]
    rows: tuple[TaskRow, ...]
    pager: Pager


async def index(here: Here) -> Response:
    """A page of tasks, those of the highest priority first."""
    place = Place.of(here.visit.request, "kind", "state")
    kind = next((one for one in KINDS if one == place.fields.get("kind")), None)
    state = choice(here.visit.request, "state", tuple(TaskState))
    page, fleet = await asyncio.gather(
        here.store.list_task_page(kind, TaskState(state) if state else None, after=place.after, limit=PAGE),
        here.visit.client.read_fleet(),
    )
    return here.visit.show(
        Tasks(
            frame=experiment_frame(here, "Tasks", "tasks", fleet),
            sentence=_sentence(here),
            kinds=_tabs(place, "kind", KINDS, kind),
            states=_tabs(place, "state", tuple(TaskState), state),
            rows=tuple(row(here, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total),
        )
    )


def row(here: Here, task: TaskDetail) -> TaskRow:
    """A task as the table shows it."""
    role = ROLE_OF[task.kind]
    is_open = task.state in {TaskState.PENDING, TaskState.CLAIMED}
    return TaskRow(
        task_id=task.task_id,
        title=task.title,
        href=here.url("task", task=task.task_id),
        kind=task.kind,
        state=task.state.value,
        priority=task.priority,
        who=task.claimant_name or (f"for {task.target_name}" if task.target_name else ""),
        moment=task.updated_at,
        desk_href=here.url(f"{role}_task", task=task.task_id) if is_open else None,
    )


def _sentence(here: Here) -> str:
    counts = here.experiment.counts.tasks
    parts = [
        f"{plural(total, word)} {state}"
        for word in KINDS
        for state in ("pending", "claimed", "submitted")
        if (total := counts.get(f"{word}.{state}", 0))
    ]
    return f"Open now: {', '.join(parts)}." if parts else "Nothing is open now."


def _tabs(place: Place, field: str, values: tuple[str, ...], chosen: str | None) -> tuple[Tab, ...]:
    every = Tab("All", place.having(**{field: None}), is_current=chosen is None)
    return (every, *(Tab(str(one), place.having(**{field: str(one)}), is_current=one == chosen) for one in values))
