"""One task: its state, who holds it, what was submitted, and its history from the log."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from store_client import ROLE_OF, LogEvent, NotFound, TaskDetail, TaskState
from web_ui.active import Here
from web_ui.filters import Moment
from web_ui.frame import experiment_frame
from web_ui.templating import Frame

HISTORY = 500
SAID = {
    "task.created": ("pending", "Created"),
    "task.claimed": ("claimed", "Claimed"),
    "task.submitted": ("submitted", "Submitted"),
    "task.completed": ("completed", "Accepted"),
    "task.failed": ("failed", "Rejected"),
    "task.reclaimed": ("waiting", "Given back"),
    "task.reassigned": ("waiting", "Given to somebody else"),
}


@dataclass(frozen=True)
class Step:
    """One thing that happened to the task."""

    key: str
    status: str
    moment: Moment
    text: str


@dataclass(frozen=True)
class TaskPage:
    """The page at /e/{experiment}/tasks/{task}."""

    template: ClassVar[str] = "tasks/show.html"

    frame: Frame
    task_id: str
    title: str
    kind: str
    state: str
    sentence: str
    desk_href: str | None
    subject_href: str | None
    job_href: str | None
    facts: tuple[tuple[str, str], ...]
    moments: tuple[tuple[str, Moment | None], ...]
    submission: str
    history: tuple[Step, ...]


async def show(here: Here) -> Response:
    """One task."""
    task_id = str(here.visit.request.path_params["task"])
    task, submission, log, fleet = await asyncio.gather(
        here.store.read_task_detail(task_id),
        _submission(here, task_id),
        here.store.read_log(limit=HISTORY, is_newest_first=True),
        here.visit.client.read_fleet(),
    )
    is_open = task.state in {TaskState.PENDING, TaskState.CLAIMED}
    page = TaskPage(
        frame=experiment_frame(here, task.title, "tasks", fleet),
        task_id=task.task_id,
        title=task.title,
        kind=task.kind,
        state=task.state.value,
        sentence=_sentence(task),
        desk_href=here.url(f"{ROLE_OF[task.kind]}_task", task=task_id) if is_open else None,
        subject_href=_subject(here, task),
        job_href=here.visit.url("job", job=task.latest_job_id) if task.latest_job_id else None,
        facts=_facts(task),
        moments=(("Created", task.created_at), ("Changed", task.updated_at), ("Claim ends", _claim_end(task))),
        submission=submission,
        history=tuple(_steps(log.events, task_id)),
    )
    return here.visit.show(page)


async def _submission(here: Here, task_id: str) -> str:
    """What was submitted, as readable JSON; empty when nothing was."""
    try:
        payload: dict[str, Any] = await here.store.read_submission(task_id)
    except NotFound:
        return ""
    return json.dumps(payload, indent=2, ensure_ascii=False)


def _sentence(task: TaskDetail) -> str:
    match task.state:
        case TaskState.PENDING:
            return f"Waits for {task.target_name}." if task.target_name else "Waits for any worker."
        case TaskState.CLAIMED:
            return f"{task.claimant_name or 'A worker'} works on it."
        case TaskState.SUBMITTED:
            return "Its result waits for the orchestrator, which looks within seconds."
        case TaskState.COMPLETED:
            return "Its result was accepted."
        case _:
            return "Its result was rejected."


def _subject(here: Here, task: TaskDetail) -> str | None:
    if task.subject_id is None or task.kind == "ideation":
        return None
    is_execution = task.kind == "execution"
    return here.url("idea", idea=task.subject_id) if is_execution else here.url("variant", variant=task.subject_id)


def _facts(task: TaskDetail) -> tuple[tuple[str, str], ...]:
    facts = (("Held by", task.claimant_name), ("Meant for", task.target_name), ("Priority", f"{task.priority:g}"))
    return tuple((label, value) for label, value in facts if value)


def _claim_end(task: TaskDetail) -> str | None:
    return task.claim.expires_at if task.claim is not None and task.state is TaskState.CLAIMED else None


def _steps(events: Sequence[LogEvent], task_id: str) -> list[Step]:
    """The task's own events, newest first, as far back as the log was read."""
    mine = (event for event in events if event.data.get("task_id") == task_id and event.type in SAID)
    return [Step(str(event.position), SAID[event.type][0], event.occurred_at, _told(event)) for event in mine]


def _told(event: LogEvent) -> str:
    why = event.data.get("reason") or event.data.get("cause")
    return f"{SAID[event.type][1]}: {str(why).replace('_', ' ')}" if why else SAID[event.type][1]
