"""Acts on a task that somebody else may hold: give it to others, or take it back."""

from dataclasses import dataclass

from starlette.responses import Response

from store_client import Group, GroupList, Target, TaskDetail, TaskState, Worker, WorkerList
from web_ui.active import Here
from web_ui.filters import short_id
from web_ui.forms.field import text

ANYBODY = "anybody"
REASSIGNABLE = frozenset({TaskState.PENDING, TaskState.CLAIMED})
RECLAIMABLE = frozenset({TaskState.CLAIMED, TaskState.SUBMITTED})


@dataclass(frozen=True)
class TaskActs:
    """Where the acts on a task lead; none where this person or its state does not allow it."""

    reassign_href: str | None
    take_back_href: str | None
    targets: tuple[tuple[str, str], ...]
    target: str


def acts_on(here: Here, task: TaskDetail, groups: frozenset[str], people: tuple[WorkerList, GroupList]) -> TaskActs:
    """What may be done: admins give tasks to others; who may take one back on another server is any worker."""
    is_admin = "admins" in groups
    may_take_back = is_admin or not here.visit.offers.is_ours
    return TaskActs(
        here.url("reassign", task=task.task_id) if is_admin and task.state in REASSIGNABLE else None,
        here.url("take_back", task=task.task_id) if may_take_back and task.state in RECLAIMABLE else None,
        targets(people),
        task.target.id if task.target else ANYBODY,
    )


def targets(people: tuple[WorkerList, GroupList]) -> tuple[tuple[str, str], ...]:
    """Whom a task can be for: workers and groups by name; those of one name are told apart by their ids."""
    every: list[Worker | Group] = [*people[0].workers, *people[1].groups]
    names = [one.name or "" for one in every]
    labelled = [(_id(one), _label(one, names)) for one in every]
    return ((ANYBODY, "anybody"), *sorted(labelled, key=lambda one: one[1].lower()))


def _id(one: Worker | Group) -> str:
    return one.group_id if isinstance(one, Group) else one.worker_id


def _label(one: Worker | Group, names: list[str]) -> str:
    kind = " (group)" if isinstance(one, Group) else ""
    mark = f" {short_id(_id(one))}" if one.name and names.count(one.name) > 1 else ""
    return f"{one.name or short_id(_id(one))}{kind}{mark}"


async def reassign(here: Here) -> Response:
    """Give the task to somebody else; a claim on it ends."""
    form = await here.visit.request.form()
    task_id, chosen, reason = _task(here), text(form, "target"), text(form, "reason")
    path = here.url("task", task=task_id)
    if not chosen or not reason:
        return here.visit.go(path, ("failed", "Nothing was changed: say who is to have it, and why."))
    target = Target(kind="worker" if chosen.startswith("wkr_") else "group", id=chosen) if chosen != ANYBODY else None
    await here.store.reassign_task(task_id, target, reason)
    told = "The task waits for them now." if target else "Anybody may claim the task now."
    return here.visit.go(path, ("done", told))


async def take_back(here: Here) -> Response:
    """End the claim on the task: it waits again, and what was submitted is dropped."""
    task_id = _task(here)
    await here.store.reclaim_task(task_id, "operator")
    return here.visit.go(here.url("task", task=task_id), ("done", "The task was taken back. It waits to be claimed."))


def _task(here: Here) -> str:
    return str(here.visit.request.path_params["task"])
