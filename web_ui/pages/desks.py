"""The three desks: what is claimed, what is pending, who does the work; and the acts that every desk shares."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import (
    KIND_OF,
    ROLE_OF,
    IllegalTransition,
    NotClaimed,
    Role,
    TaskDetail,
    TaskState,
    WrongClaimant,
    format_time,
    settle_claim,
)
from web_ui.active import Here
from web_ui.desk_views import View, view
from web_ui.filters import Moment, plural, with_query
from web_ui.frame import experiment_frame
from web_ui.listing import Pager
from web_ui.pages.ideation_facts import BuiltOn, built_on
from web_ui.standing import heading, left, open_task, why_not_mine
from web_ui.templating import Frame
from web_ui.workflows.outcomes import Declined, Stranded
from web_ui.workflows.queue_runs import Queued
from web_ui.workflows.queue_runs import run as run_on_queue

HOUR_SECONDS = 3600
HELD_BY_OTHERS = 20
CLAIM_GONE = (NotClaimed, WrongClaimant, IllegalTransition)
WORK = {
    "ideator": "Propose what to try next",
    "executor": "Turn ideas into commits",
    "evaluator": "Measure what was made",
}


@dataclass(frozen=True)
class HeldRow:
    """A claimed task; `job` tells of its job on the queue when there is one."""

    task_id: str
    title: str
    href: str
    who: str
    left: str
    since: Moment
    has_job: bool


@dataclass(frozen=True)
class PendingRow:
    """A task that waits; without `claim_href` this person cannot take it, and `why_not` says why."""

    task_id: str
    title: str
    href: str
    priority: float
    moment: Moment
    claim_href: str | None
    why_not: str
    author: str
    target: str


@dataclass(frozen=True)
class Desk:
    """The page at /e/{experiment}/ideator, /executor or /evaluator."""

    template: ClassVar[str] = "desks/index.html"

    frame: Frame
    role: str
    title: str
    sentence: str
    is_automatic: bool | None
    """None where nobody tells who does the work."""
    automation_href: str | None
    work_href: str
    closed: str
    may_claim: bool
    """Whether this person may claim anything here at all."""
    mine: tuple[HeldRow, ...]
    view: View
    groups: tuple[tuple[str, tuple[PendingRow, ...]], ...]
    """What waits; by who had the idea, where that is asked for, else all under no name."""
    pending: tuple[PendingRow, ...]
    waiting: int
    built_on: BuiltOn
    """What the next ideas are to build on, if the address says so."""
    others: tuple[HeldRow, ...]
    pager: Pager


async def index(here: Here, role: Role) -> Response:
    """A role's desk."""
    kind, store, visit = KIND_OF[role], here.store, here.visit
    shown = view(visit)
    mine, pending, claimed, fleet, parent = await asyncio.gather(
        store.list_task_page(kind, TaskState.CLAIMED, "me"),
        store.list_task_page(kind, TaskState.PENDING, **shown.query),
        store.list_task_page(kind, TaskState.CLAIMED, limit=HELD_BY_OTHERS),
        visit.fleet(),
        built_on(here),
    )
    own = {task.task_id for task in mine.items}
    is_automatic = getattr(here.experiment.automation, role) == "automatic" if visit.offers.is_ours else None
    total = here.experiment.counts.tasks.get(f"{kind}.pending", 0)
    rows = tuple(_pending(here, role, task) for task in pending.items)
    return visit.show(
        Desk(
            frame=experiment_frame(here, role.capitalize(), role, fleet),
            role=role,
            title=role.capitalize(),
            sentence=_sentence(role, total, is_automatic=is_automatic),
            is_automatic=is_automatic,
            automation_href=with_query(here.url("automation"), role=role) if visit.is_administrator else None,
            work_href=here.url("work"),
            closed=_closed(here),
            may_claim=visit.may_act,
            mine=tuple(_held(here, role, task) for task in mine.items),
            view=shown,
            groups=_groups(rows) if shown.is_grouped else (("", rows),),
            pending=rows,
            waiting=total,
            built_on=parent,
            others=tuple(_held(here, role, task) for task in claimed.items if task.task_id not in own),
            pager=shown.place.pager(len(pending.items), pending.next, pending.total),
        )
    )


async def claim(here: Here) -> Response:
    """Take a task and go to work on it."""
    task = await here.store.read_task_detail(_task(here))
    role = ROLE_OF[task.kind]
    path = here.url(f"{role}_task", task=task.task_id)
    if await settle_claim(here.store, task.task_id) is None:
        opened = await open_task(here, role)
        if opened.is_mine:
            return here.visit.go(path)
        return here.visit.go(here.url(role), ("notice", f"Nothing was claimed. {why_not_mine(opened)}"))
    if parent := here.visit.request.query_params.get("parent"):
        path = with_query(path, parent=parent)
    return here.visit.go(path, ("done", "The task is yours now. Nobody else can take it until your claim ends."))


async def extend(here: Here) -> Response:
    """Keep one's own claim for another hour."""
    task = await here.store.read_task_detail(_task(here))
    path = _back(here) or here.url(f"{ROLE_OF[task.kind]}_task", task=task.task_id)
    try:
        renewed = await here.store.renew_claim(task.task_id, HOUR_SECONDS)
    except CLAIM_GONE as refusal:
        return here.visit.go(path, ("failed", f"The claim could not be extended: {refusal.detail}."))
    return here.visit.go(path, ("done", f"Your claim is extended: {left(renewed, here.visit.now)}."))


async def release(here: Here) -> Response:
    """Give one's own claim back."""
    task = await here.store.read_task_detail(_task(here))
    desk = _back(here) or here.url(ROLE_OF[task.kind])
    try:
        await here.store.release_claim(task.task_id)
    except CLAIM_GONE as refusal:
        return here.visit.go(desk, ("failed", f"Nothing was released: {refusal.detail}."))
    return here.visit.go(desk, ("done", "The task is released. Anybody may claim it; what you pushed stays."))


async def run(here: Here) -> Response:
    """Have the queue do a claimed task."""
    task = await here.store.read_task_detail(_task(here))
    opened = await open_task(here, ROLE_OF[task.kind])
    path = here.url(f"{opened.role}_task", task=task.task_id)
    if not opened.is_mine:
        return here.visit.go(path, ("failed", f"Nothing was queued. {why_not_mine(opened)}"))
    match await run_on_queue(opened.hand, format_time(here.visit.now)):
        case Queued(job):
            told = f"Job {job.number} is in the queue. You submit its result here when it has ended."
            return here.visit.go(path, ("done", told))
        case Declined(reason) | Stranded(reason=reason):
            return here.visit.go(path, ("failed", f"Nothing was queued: {reason}."))


def _back(here: Here) -> str | None:
    """The page of one's work that an act was asked for on, if it was there."""
    asked = here.visit.request.query_params.get("back")
    return {"here": here.url("work"), "everywhere": here.visit.url("all_work")}.get(asked or "")


def _task(here: Here) -> str:
    return str(here.visit.request.path_params["task"])


def _sentence(role: Role, pending: int, *, is_automatic: bool | None) -> str:
    if not pending:
        return f"{WORK[role]}. Nothing waits."
    waits = f"{plural(pending, 'task')} {'waits' if pending == 1 else 'wait'}"
    for_whom = {True: "; automatic workers take them as they come", False: " for a person", None: ""}[is_automatic]
    return f"{WORK[role]}. {waits}{for_whom}."


def _closed(here: Here) -> str:
    """Why nothing can be claimed at all, or nothing."""
    status = here.experiment.status
    if not here.visit.may_act:
        return "You are a viewer here: you see what waits and what others do, and claim nothing."
    if status == "running":
        return ""
    if status.is_final:
        return f"{here.experiment.name} has ended ({status}). Nothing new is claimed; what is claimed may finish."
    if status == "draft":
        return f"{here.experiment.name} is a draft: there is nothing to claim before it is started."
    return f"{here.experiment.name} is {status}. Nothing new is claimed until it runs; what is claimed may finish."


def _groups(rows: tuple[PendingRow, ...]) -> tuple[tuple[str, tuple[PendingRow, ...]], ...]:
    """Rows by who had the idea, in the order in which they come."""
    found: dict[str, tuple[PendingRow, ...]] = {}
    for row in rows:
        found[row.author] = (*found.get(row.author, ()), row)
    return tuple(found.items())


def _held(here: Here, role: Role, task: TaskDetail) -> HeldRow:
    assert task.claim is not None  # noqa: S101 - only claimed tasks come here
    return HeldRow(
        task_id=task.task_id,
        title=heading(task),
        href=here.url(f"{role}_task", task=task.task_id),
        who=task.claimant_name or "another worker",
        left=left(task.claim, here.visit.now),
        since=task.claim.claimed_at,
        has_job=task.latest_job_id is not None,
    )


def _pending(here: Here, role: Role, task: TaskDetail) -> PendingRow:
    is_open, may_act = here.experiment.status == "running", here.visit.may_act
    why_not = _why_not(task)
    return PendingRow(
        task_id=task.task_id,
        title=heading(task),
        href=here.url(f"{role}_task", task=task.task_id),
        priority=task.priority,
        moment=task.created_at,
        claim_href=here.url("claim", task=task.task_id) if is_open and task.is_eligible and may_act else None,
        why_not=why_not or ("" if is_open else f"the experiment is {here.experiment.status}"),
        author=task.author_name or ("somebody without a name" if task.author_id else "the orchestrator"),
        target=(task.target_name or task.target.id) if task.target else "",
    )


def _why_not(task: TaskDetail) -> str:
    if task.is_eligible is None:
        return f"for {task.target_name or 'a group'} only; whether that is you is not known now"
    return "" if task.is_eligible else f"for {task.target_name or 'somebody else'} only"
