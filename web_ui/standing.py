"""How a task stands for the person at its desk, and the acts that lead on."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from store_client import (
    KIND_OF,
    Assignment,
    Claim,
    Draft,
    ExperimentDetail,
    Fleet,
    IdeaDetail,
    JobDetail,
    NotFound,
    Refused,
    Role,
    TaskDetail,
    TaskState,
    Unreachable,
    format_time,
    headline,
)
from web_ui.active import Here
from web_ui.filters import Moment, age, figure
from web_ui.forms.claims import seal, unseal
from web_ui.frame import experiment_frame
from web_ui.job_words import sentence as job_sentence
from web_ui.job_words import status_text
from web_ui.templating import Frame
from web_ui.visit import Visit
from web_ui.workflows.drafts import read as read_draft
from web_ui.workflows.outcomes import Hand
from web_ui.workflows.queue_runs import job_of

UP_NEXT = 4
IDEA_BYTES = 200_000
SUBMITS = {"ideator": "submit_ideas", "executor": "submit_execution", "evaluator": "submit_evaluation"}
"""The route by which each desk hands in."""
VIEWS = "You are a viewer here: you see how this goes, and claim nothing."
VIEWS_AND_HOLDS = (
    "You hold this task, but you are a viewer here now, so nothing of it can be changed. "
    "It goes back when the claim ends, or when an administrator takes it back."
)
UNKNOWN = "Whether you may claim this cannot be told now: the server does not say who is in which group."
NO_TEXT = "It is no text but a file of another kind; its page has a link to download it."
NOT_MINE = {
    TaskState.CLAIMED: "{who} works on this. It can be claimed when they give it back.",
    TaskState.SUBMITTED: "A result was submitted. The orchestrator looks at it next.",
    TaskState.COMPLETED: "This task is completed; nothing is left to do here.",
    TaskState.FAILED: "This task has failed; nothing is left to do here.",
}


@dataclass(frozen=True)
class JobCard:
    """The job that does this task on the queue; `moment` is when it began to be what it is."""

    number: int
    href: str
    status: str
    status_text: str
    sentence: str
    moment: Moment
    is_ended: bool


@dataclass(frozen=True)
class Next:
    """Another task of the same desk."""

    title: str
    href: str
    priority: float
    moment: Moment


@dataclass(frozen=True)
class Standing:
    """A task at its desk: whose it is, how long, and where the acts lead; none where they are not to be had."""

    task_id: str
    title: str
    status: str
    sentence: str
    is_mine: bool
    claim: str
    note: str
    desk: str
    desk_href: str
    task_href: str
    submit_href: str
    claim_href: str | None
    extend_href: str | None
    release_href: str | None
    has_queue: bool
    run_href: str | None
    why_not_run: str
    job: JobCard | None
    up_next: tuple[Next, ...]


@dataclass(frozen=True)
class Opened:
    """Everything a desk asks about a task, asked at once."""

    here: Here
    role: Role
    task: TaskDetail
    detail: ExperimentDetail
    worker_id: str
    fleet: Fleet | None
    others: tuple[TaskDetail, ...]
    job: JobDetail | None
    draft: Draft | None = None
    """What this person has entered for the task and not handed in."""

    @property
    def is_mine(self) -> bool:
        """Whether this person holds the task, and may work on it."""
        return self.is_held and self.here.visit.may_act

    @property
    def is_held(self) -> bool:
        claim = self.task.claim
        return self.task.state is TaskState.CLAIMED and claim is not None and claim.worker_id == self.worker_id

    @property
    def hand(self) -> Hand:
        """The claim in hand now; only of a task that is mine."""
        assert self.task.claim is not None  # noqa: S101 - callers look at is_mine first
        return self.hand_under(self.task.claim)

    def hand_under(self, claim: Claim) -> Hand:
        """The claim that a form was drawn under."""
        return Hand(self.here.store, Assignment(self.detail, self.task.task_id, claim), self.task)

    def claim_in(self, text: str) -> Claim | None:
        """The claim of this person that a form carries; None when the form was changed, is too old or is not theirs."""
        claim = unseal(self.here.visit.console.cookies, text, self.here.experiment_id, self.task.task_id)
        return claim if claim is not None and claim.worker_id == self.worker_id else None

    def frame(self, *, is_live: bool = True) -> Frame:
        """A page that holds what somebody entered does not renew itself."""
        framed = experiment_frame(self.here, f"{heading(self.task)} · {self.role}", self.role, self.fleet)
        return framed if is_live else replace(framed, live=None)


async def open_task(here: Here, role: Role) -> Opened:
    """The task that the address names, for one desk."""
    task_id = str(here.visit.request.path_params["task"])
    store, visit = here.store, here.visit
    task, detail, worker_id, fleet, pending, draft = await asyncio.gather(
        store.read_task_detail(task_id),
        store.read_experiment_detail(),
        visit.console.factory.worker_id(visit.who, here.experiment_id),
        visit.fleet(),
        store.list_task_page(KIND_OF[role], TaskState.PENDING, limit=UP_NEXT),
        read_draft(store, task_id) if visit.offers.is_ours else _none(),
    )
    if task.kind != KIND_OF[role]:
        raise NotFound(f"task {task_id} is one of {task.kind}, not for this desk")
    others = tuple(one for one in pending.items if one.task_id != task_id and one.is_eligible)
    opened = Opened(here, role, task, detail, worker_id, fleet, others, None, draft)
    has_job = opened.is_mine and visit.offers.is_ours
    return replace(opened, job=await job_of(opened.hand)) if has_job else opened


async def _none() -> None:
    """On a server that keeps no drafts."""


def standing(opened: Opened, what: str) -> Standing:
    """How the task stands; `what` says what it is ("Execution of an idea by Ada, priority 0.8.")."""
    here, task = opened.here, opened.task
    is_mine, has_queue = opened.is_mine, here.visit.offers.is_ours
    can_run = has_queue and bool(opened.detail.commands.get(opened.role))

    def act(name: str, *, is_offered: bool) -> str | None:
        return here.url(name, task=task.task_id) if is_offered else None

    note = "" if is_mine else why_not_mine(opened)
    return Standing(
        task_id=task.task_id,
        title=heading(task),
        status=task.state.value,
        sentence=f"{what} {held(opened)}".strip(),
        is_mine=is_mine,
        claim=seal(here.visit.console.cookies, here.experiment_id, task.task_id, task.claim)
        if task.claim and is_mine
        else "",
        note=note,
        desk=opened.role,
        desk_href=here.url(opened.role),
        task_href=here.url("task", task=task.task_id),
        submit_href=here.url(SUBMITS[opened.role], task=task.task_id),
        claim_href=act("claim", is_offered=is_claimable(opened)),
        extend_href=act("extend", is_offered=is_mine and has_queue),
        release_href=act("release", is_offered=is_mine),
        has_queue=has_queue,
        run_href=act("run_on_queue", is_offered=is_mine and opened.job is None and can_run),
        why_not_run="" if can_run else "The experiment has no command for this role, so it is done by hand.",
        job=job_card(here.visit, opened.job) if opened.job else None,
        up_next=tuple(next_of(here, opened.role, one) for one in opened.others[: UP_NEXT - 1]),
    )


def heading(task: TaskDetail) -> str:
    """What a task is called: the idea or the variant it is about, else what it asks for."""
    return "New ideas" if task.kind == "ideation" else task.title


def is_claimable(opened: Opened) -> bool:
    is_open = opened.here.experiment.status == "running" and opened.here.visit.may_act
    return opened.task.state is TaskState.PENDING and bool(opened.task.is_eligible) and is_open


def held(opened: Opened) -> str:
    """Whose the task is and for how long, in a sentence."""
    task, now = opened.task, opened.here.visit.now
    if task.claim is None or task.state is not TaskState.CLAIMED:
        return ""
    until = f"; {left(task.claim, now)}" if task.claim.expires_at else ""
    who = "you" if opened.is_mine else task.claimant_name or "another worker"
    return f"Claimed by {who}{until}."


def left(claim: Claim, now: datetime) -> str:
    """How much of a claim is left: 52 min left."""
    if claim.expires_at is None:
        return "no time limit"
    return f"{age(claim.expires_at, now)} left" if claim.expires_at > format_time(now) else "its time is over"


def why_not_mine(opened: Opened) -> str:
    """What a task that is not mine waits for, in a sentence."""
    task, status = opened.task, opened.here.experiment.status
    if opened.is_held:
        return VIEWS_AND_HOLDS
    if task.state is not TaskState.PENDING:
        return NOT_MINE[task.state].format(who=task.claimant_name or "Another worker")
    if not opened.here.visit.may_act:
        return VIEWS
    if status != "running":
        return f"The experiment is {status}, so nothing can be claimed."
    if task.is_eligible:
        return "Nobody works on this yet. Claim it to begin."
    return UNKNOWN if task.is_eligible is None else f"This task is for {task.target_name or 'somebody else'} only."


def job_card(visit: Visit, job: JobDetail) -> JobCard:
    """A job in short."""
    return JobCard(
        number=job.number,
        href=visit.url("job", job=job.job_id),
        status=job.state.value,
        status_text=status_text(job),
        sentence=job_sentence(job),
        moment=job.ended_at or job.started_at or job.created_at,
        is_ended=job.state.is_final,
    )


def next_of(here: Here, role: Role, task: TaskDetail) -> Next:
    """Another task of a desk, in a line."""
    return Next(heading(task), here.url(f"{role}_task", task=task.task_id), task.priority, task.created_at)


async def idea_text(here: Here, uri: str) -> tuple[str, str]:
    """The text of an idea, and why it cannot be shown if it cannot."""
    try:
        async with here.files.read_artifact(uri) as download:
            content = headline(await download.read(IDEA_BYTES))
        return ("", NO_TEXT) if b"\x00" in content else (content.decode(errors="replace"), "")
    except Unreachable:
        return "", "The text cannot be read now; reload in a moment."
    except Refused as refusal:
        return "", f"The text cannot be read: {refusal.detail}."


def told_of(idea: IdeaDetail) -> str:
    """What an execution is about: an idea by Ada, priority 0.8."""
    by = f" by {idea.author_name}" if idea.author_name else ""
    return f"idea{by}, priority {figure(float(idea.priority))}"
