"""One task: what has to be done, who does it, what was submitted, and how it came to where it stands."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from store_client import ROLE_OF, LogEvent, NotFound, TaskDetail, TaskState
from web_ui.active import Here
from web_ui.filters import Moment, short_commit
from web_ui.frame import experiment_frame
from web_ui.membership import holding
from web_ui.pages.task_acts import TaskActs, acts_on
from web_ui.pages.variant_page import artifact_href
from web_ui.standing import heading, left
from web_ui.templating import Frame

EVENTS_LOOKED_AT = 1000


@dataclass(frozen=True)
class Change:
    """One step in the life of a task: what happened, to whom it is due, and what followed."""

    key: str
    status: str
    moment: Moment
    words: str


@dataclass(frozen=True)
class Fact:
    """One line about a task or what was submitted; `href` leads on."""

    label: str
    value: str
    href: str | None = None


@dataclass(frozen=True)
class OneTask:
    """The page at /e/{experiment}/tasks/{task}."""

    template: ClassVar[str] = "tasks/show.html"

    frame: Frame
    task_id: str
    title: str
    kind: str
    status: str
    sentence: str
    desk: str
    desk_href: str
    job_href: str | None
    acts: TaskActs
    facts: tuple[Fact, ...]
    moments: tuple[tuple[str, Moment | None], ...]
    submission: tuple[Fact, ...] | None
    changes: tuple[Change, ...]
    is_history_whole: bool


async def show(here: Here) -> Response:
    """The task, what was submitted for it, and how it came to where it stands."""
    task_id = str(here.visit.request.path_params["task"])
    (task, log, submission, fleet), (workers, groups, worker_id) = await asyncio.gather(
        asyncio.gather(
            here.store.read_task_detail(task_id),
            here.store.read_log(limit=EVENTS_LOOKED_AT, is_newest_first=True),
            _submission(here, task_id),
            here.visit.fleet(),
        ),
        asyncio.gather(here.store.list_workers(), here.store.list_groups(), _own_id(here)),
    )
    told = [event for event in log.events if event.data.get("task_id") == task_id and event.type in TOLD]
    people = {one.worker_id: one.name or one.worker_id for one in workers.workers}
    role = ROLE_OF[task.kind]
    return here.visit.show(
        OneTask(
            frame=experiment_frame(here, heading(task), "tasks", fleet),
            task_id=task_id,
            title=heading(task),
            kind=task.kind,
            status=task.state.value,
            sentence=_where(here, task),
            desk=role,
            desk_href=here.url(f"{role}_task", task=task_id),
            job_href=here.visit.url("job", job=task.latest_job_id) if task.latest_job_id else None,
            acts=acts_on(here, task, holding(groups, worker_id), (workers, groups)),
            facts=_facts(here, task),
            moments=(("Created", task.created_at), ("Last change", task.updated_at)),
            submission=_submitted(here, task, submission) if submission is not None else None,
            changes=tuple(_change(event, people) for event in sorted(told, key=lambda one: -one.position)),
            is_history_whole=any(event.type == "task.created" for event in told),
        )
    )


TOLD: Mapping[str, tuple[str, str]] = {
    "task.created": ("pending", "Created"),
    "task.claimed": ("claimed", "Claimed by {who}"),
    "task.submitted": ("submitted", "Submitted by {who}"),
    "task.completed": ("completed", "Accepted"),
    "task.failed": ("failed", "Rejected: {reason}"),
    "task.reclaimed": ("waiting", "Given back: {cause}"),
    "task.reassigned": ("waiting", "Given to somebody else: {reason}"),
    "job.queued": ("queued", "Job {number} queued"),
    "job.started": ("running", "Job {number} started"),
    "job.finished": ("done", "Job {number} ended: {state}"),
}
CAUSES = {
    "expired": "its claim ran out",
    "operator": "its claim was given up",
    "health_policy": "its worker stopped answering",
    "worker_error": "its worker could not do it",
    "validation_error": "its result did not hold",
    "policy_limit": "the experiment's limits forbid it",
}


async def _own_id(here: Here) -> str:
    return await here.visit.console.factory.worker_id(here.visit.who, here.experiment_id)


async def _submission(here: Here, task_id: str) -> dict[str, Any] | None:
    try:
        return await here.store.read_submission(task_id)
    except NotFound:
        return None


def _change(event: LogEvent, people: Mapping[str, str]) -> Change:
    status, words = TOLD[event.type]
    data = {**event.data, "who": people.get(str(event.data.get("worker_id")), "a worker")}
    for name in ("reason", "cause", "state", "number"):
        data[name] = CAUSES.get(str(data.get(name)), str(data.get(name, "")).replace("_", " "))
    return Change(str(event.position), status, event.occurred_at, words.format_map(data).rstrip(": "))


def _where(here: Here, task: TaskDetail) -> str:
    match task.state:
        case TaskState.PENDING:
            return "Waits to be claimed."
        case TaskState.CLAIMED if task.claim is not None:
            return f"{task.claimant_name or 'A worker'} works on it; {left(task.claim, here.visit.now)}."
        case TaskState.SUBMITTED:
            return "A result was submitted; the orchestrator looks at it next."
        case TaskState.COMPLETED:
            return "Its result was accepted."
        case _:
            return "It failed: its result was not accepted."


def _facts(here: Here, task: TaskDetail) -> tuple[Fact, ...]:
    facts = [Fact("Kind", task.kind)]
    if task.subject_id and task.kind == "execution":
        facts.append(Fact("Idea", task.title, here.url("idea", idea=task.subject_id)))
    if task.subject_id and task.kind == "evaluation":
        facts.append(Fact("Variant", task.title, here.url("variant", variant=task.subject_id)))
    facts.append(Fact("Priority", f"{task.priority:g}"))
    if task.target_name:
        facts.append(Fact("Only for", task.target_name))
    if task.claimant_name:
        facts.append(Fact("Claimed by", task.claimant_name))
    return tuple(facts)


def _submitted(here: Here, task: TaskDetail, payload: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What was submitted, as people read it."""
    facts = [Fact("Outcome", str(payload.get("status", "")).replace("_", " "))]
    for place, idea_id in enumerate(payload.get("idea_ids") or (), 1):
        facts.append(Fact(f"Idea {place}", "its page", here.url("idea", idea=str(idea_id))))
    if payload.get("variant_id") and task.kind == "execution":
        facts.append(Fact("Variant", task.title, here.url("variant", variant=str(payload["variant_id"]))))
    if payload.get("commit_sha"):
        facts.append(Fact("Commit", short_commit(str(payload["commit_sha"]))))
    facts += [Fact(name, str(value)) for name, value in (payload.get("evaluation") or {}).items()]
    if payload.get("artifacts_uri"):
        facts.append(Fact("Files", "download", artifact_href(here, str(payload["artifacts_uri"]))))
    return tuple(facts)
