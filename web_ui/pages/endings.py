"""What became of something that was handed in: it landed, it came too late, another result stands, or nobody knows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.responses import Response

from store_client import (
    KIND_OF,
    ROLE_OF,
    Refused,
    Role,
    SwitchyardError,
    TaskDetail,
    TaskState,
    Unauthorized,
    Unreachable,
)
from web_ui.active import Here
from web_ui.filters import figure, short_commit
from web_ui.forms.drafts import Words
from web_ui.frame import bare_frame, experiment_frame
from web_ui.pages.drafting import MOST_FILES, PART_BYTES, DraftState, Hidden, Sheet
from web_ui.standing import Next, Opened, heading, next_of, standing, why_not_mine
from web_ui.templating import Frame
from web_ui.visit import Visit
from web_ui.workflows.outcomes import Stranded

UP_NEXT = 4
NOW = {
    TaskState.SUBMITTED: "It is stored. The orchestrator looks at it next.",
    TaskState.COMPLETED: "It was accepted; the task is completed.",
    TaskState.FAILED: "It was handed in as failed, or was not accepted; the task has failed.",
}
Fact = tuple[str, str, str]
"""Something that is stored: its label, its words, and an address, which may be empty."""


@dataclass(frozen=True)
class Landed:
    """The page at /e/{experiment}/desk/{task}/submitted."""

    template: ClassVar[str] = "desks/landed.html"

    frame: Frame
    title: str
    sentence: str
    facts: tuple[Fact, ...]
    task_href: str
    desk_href: str
    up_next: tuple[Next, ...]


@dataclass(frozen=True)
class Ending:
    """What the three pages share that tell of something that did not land."""

    frame: Frame
    title: str
    said: Words
    """What the person had entered."""
    files: tuple[str, ...]
    """Files that are nowhere but on the person's own machine."""
    is_kept: bool
    """Whether all the words are safe in the draft."""
    reason: str
    task_href: str
    desk_href: str


@dataclass(frozen=True)
class LostPage(Ending):
    """The claim had ended."""

    template: ClassVar[str] = "desks/lost.html"

    now: str
    """How the task stands."""
    claim_href: str | None
    is_mine: bool
    resend_href: str
    hidden: Hidden


@dataclass(frozen=True)
class ConflictingPage(Ending):
    """Another result stands."""

    template: ClassVar[str] = "desks/conflicting.html"

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class UnknownPage(Ending):
    """Nobody knows whether it arrived; sent again, it lands once."""

    template: ClassVar[str] = "desks/unknown.html"

    resend_href: str
    look_href: str
    hidden: Hidden


async def landed(here: Here) -> Response:
    """What is stored of a task that was handed in."""
    task_id = str(here.visit.request.path_params["task"])
    task = await here.store.read_task_detail(task_id)
    role = ROLE_OF[task.kind]
    if task.state not in NOW:
        return here.visit.go(here.url(f"{role}_task", task=task_id), ("notice", "This task is not submitted."))
    stored, fleet, following = await asyncio.gather(
        here.store.read_submission(task_id),
        here.visit.fleet(),
        here.store.list_task_page(KIND_OF[role], TaskState.PENDING, limit=UP_NEXT),
    )
    title = f"{heading(task)} {'are' if role == 'ideator' else 'is'} submitted"
    page = Landed(
        frame=experiment_frame(here, title, role, fleet),
        title=title,
        sentence=NOW[task.state],
        facts=_facts(here, task, stored),
        task_href=here.url("task", task=task_id),
        desk_href=here.url(role),
        up_next=_following(here, role, following.items),
    )
    return here.visit.show(page)


def _following(here: Here, role: Role, tasks: tuple[TaskDetail, ...]) -> tuple[Next, ...]:
    return tuple(next_of(here, role, task) for task in tasks if task.is_eligible)


async def stranded(opened: Opened, outcome: Stranded, sheet: Sheet, draft: DraftState) -> Response:
    """The page of a result that did not land, or of which nobody knows."""
    shared: dict[str, Any] = {
        "frame": opened.frame(is_live=False),
        "title": heading(opened.task),
        "said": sheet.said,
        "files": sheet.lost_files(draft),
        "is_kept": draft.is_offered and not draft.fault,
        "task_href": opened.here.url("task", task=opened.task.task_id),
        "desk_href": opened.here.url(opened.role),
        "reason": outcome.reason,
    }
    match outcome.kind:
        case "lost":
            return _lost(opened, sheet.hidden(draft), shared)
        case "conflicting":
            return await _conflicting(opened, shared)
        case "unknown":
            return _unknown(opened, sheet.hidden(draft), shared)


def _lost(opened: Opened, hidden: Hidden, shared: Mapping[str, Any]) -> Response:
    stands = standing(opened, "")
    page = LostPage(
        **shared,
        now=_now(opened, stands.claim_href),
        claim_href=stands.claim_href,
        is_mine=opened.is_mine,
        resend_href=stands.submit_href,
        hidden=hidden,
    )
    return opened.here.visit.show(page, 409)


def _now(opened: Opened, claim_href: str | None) -> str:
    """How a task stands whose claim had ended, and what its former claimant can do."""
    if opened.is_mine:
        return "You hold it again, under another claim: go on with what you entered."
    return "Nobody else works on it: claim it again and go on." if claim_href else why_not_mine(opened)


async def _conflicting(opened: Opened, shared: Mapping[str, Any]) -> Response:
    here = opened.here
    try:
        facts = _facts(here, opened.task, await here.store.read_submission(opened.task.task_id))
    except Unauthorized:
        raise
    except (Refused, Unreachable):
        facts = ()
    return here.visit.show(ConflictingPage(**shared, facts=facts), 409)


def _unknown(opened: Opened, hidden: Hidden, shared: Mapping[str, Any]) -> Response:
    page = UnknownPage(
        **shared,
        resend_href=standing(opened, "").submit_href,
        look_href=opened.here.url("landed", task=opened.task.task_id),
        hidden=hidden,
    )
    return opened.here.visit.show(page, 503)


async def silent(visit: Visit, silence: SwitchyardError) -> Response:
    """What was sent while the server did not answer at all: nothing more is asked of it, and no word is lost."""
    form = await visit.request.form(max_files=MOST_FILES, max_part_size=PART_BYTES)
    sheet = Sheet.holding(form, visit.console.cookies, lambda fields: tuple(fields.items()))
    task = visit.request.url.path.rpartition("/")[0]
    page = UnknownPage(
        frame=bare_frame("Nobody knows yet", visit),
        title="Your work",
        said=sheet.said,
        files=tuple(file.filename or "" for _, file in sheet.entered.chosen),
        is_kept=False,
        task_href=task,
        desk_href=task.rpartition("/")[0],
        reason=str(silence),
        resend_href=visit.request.url.path,
        look_href=task,
        hidden=sheet.all_hidden,
    )
    return visit.show(page, 503)


def _facts(here: Here, task: TaskDetail, stored: Mapping[str, Any]) -> tuple[Fact, ...]:
    """A stored result in words, with the pages of what it names."""
    facts = [("Outcome", str(stored.get("status", "")).replace("_", " "), "")]
    if variant_id := stored.get("variant_id"):
        facts.append(("Variant", task.title, here.url("variant", variant=str(variant_id))))
    if commit := stored.get("commit_sha"):
        facts.append(("Commit", short_commit(str(commit)), ""))
    ideas = enumerate(map(str, stored.get("idea_ids", ())), 1)
    facts += [(f"Idea {number}", "its page", here.url("idea", idea=idea_id)) for number, idea_id in ideas]
    measured = stored.get("evaluation") or {}
    facts += [(str(name), figure(value) if _is_number(value) else str(value), "") for name, value in measured.items()]
    if uri := stored.get("artifacts_uri"):
        facts.append(("Files", "download", f"{here.url('artifact')}?{urlencode({'uri': str(uri)})}"))
    return tuple(facts)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
