"""The executor's desk: one idea to turn into a commit, by hand or on the queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import ExecutionFailed, GitPassword, Refused, Unauthorized, format_time
from web_ui.active import Here
from web_ui.commits import Check, Examined, examine, options
from web_ui.diffs import Changes
from web_ui.forms import execution as forms
from web_ui.forms.execution import ExecutionForm
from web_ui.forms.field import text
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.pages.execution_facts import ExecutionFacts, Step, gather, prefilled, steps
from web_ui.prose import prose
from web_ui.scores import ParentLink
from web_ui.standing import Opened, Standing, open_task, standing, told_of
from web_ui.templating import Frame
from web_ui.workflows import execution
from web_ui.workflows.attachments import Attachments
from web_ui.workflows.outcomes import Hand, Submitted


@dataclass(frozen=True)
class ExecutorTask:
    """The page at /e/{experiment}/executor/{task}; it shows the form also when it could not be handed in."""

    template: ClassVar[str] = "executor/show.html"

    frame: Frame
    standing: Standing
    steps: tuple[Step, ...]
    idea: Markup
    idea_fault: str
    idea_href: str
    parents: tuple[ParentLink, ...]
    form: ExecutionForm
    has_form: bool
    has_repository: bool
    commits: Sequence[tuple[str, str]]
    pushes_fault: str
    checks: tuple[Check, ...]
    changes: Changes | None
    run_note: str
    is_run_fault: bool
    commands: str
    password: GitPassword | None
    password_href: str | None


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "executor")


async def show(here: Here) -> Response:
    """The task, with the newest push or the result of its job filled in."""
    opened = await open_task(here, "executor")
    facts = await gather(opened)
    return await _show(opened, facts, prefilled(opened, facts))


async def git_password(here: Here) -> Response:
    """The task again with a password for git, shown this once; what was entered stays."""
    opened, form = await open_task(here, "executor"), await _form(here)
    try:
        password = await here.store.git_password(opened.task.task_id)
    except Unauthorized:
        raise
    except Refused as refusal:
        fault = f"There is no password for this: {refusal.detail}."
        return await _again(opened, replace(forms.entered(form), fault=fault), 409)
    return await _again(opened, forms.entered(form), 200, password)


async def submit(here: Here) -> Response:
    """Check the commit, hand it in, or say that it could not be done."""
    opened, form = await open_task(here, "executor"), await _form(here)
    act = text(form, "act")
    if act == "check":
        return await _again(opened, forms.entered(form), 200)
    claim = opened.claim_in(text(form, "claim"))
    if claim is None:
        return await _again(opened, replace(forms.entered(form), fault=FORGED), 422)
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(forms.entered(form), fault=OVERTAKEN), 409)
    return await (_give_up if act == "error" else _hand_in)(opened, hand, form)


async def _hand_in(opened: Opened, hand: Hand, form: FormData) -> Response:
    draft = forms.draft(form)
    if isinstance(draft, ExecutionForm):
        return await _again(opened, draft, 422)
    facts = await gather(opened)
    examined = await examine(opened.here, draft.commit_sha, facts.parents)
    if examined.fault:
        refused = forms.entered(form).refuse(examined.fault)
        return await _show(opened, facts, refused, Sent(422, examined=examined))
    push = facts.pushes.of(draft.commit_sha)
    done = execution.Execution(
        draft.commit_sha,
        push.branch if push else draft.branch or None,
        draft.description,
        Attachments(draft.files, note_name="what-changed.md"),
    )
    return await _land(opened, hand, form, done)


async def _give_up(opened: Opened, hand: Hand, form: FormData) -> Response:
    draft = forms.given_up(form)
    if isinstance(draft, ExecutionForm):
        return await _again(opened, draft, 422)
    undone = execution.Execution(None, None, draft.reason, Attachments(draft.files, note_name="why-not.md"))
    return await _land(opened, hand, form, undone)


async def _land(opened: Opened, hand: Hand, form: FormData, done: execution.Execution) -> Response:
    here = opened.here
    outcome = await execution.submit(hand, done, format_time(here.visit.now))
    if isinstance(outcome, Submitted):
        told = (
            f"{opened.task.title} is submitted. An evaluation comes next."
            if done.commit_sha
            else f"{opened.task.title} is handed back as failed, with your reason."
        )
        return here.visit.go(here.url("executor"), ("done", told))
    status, fault = tell(outcome)
    return await _again(await open_task(here, "executor"), replace(forms.entered(form), fault=fault), status)


async def _form(here: Here) -> FormData:
    return await here.visit.request.form(max_files=20, max_part_size=4 * 1_048_576)


@dataclass(frozen=True)
class Sent:
    """What is particular about a page that answers a form."""

    status: int
    password: GitPassword | None = None
    examined: Examined | None = None


async def _again(opened: Opened, form: ExecutionForm, status: int, password: GitPassword | None = None) -> Response:
    """The page with what was entered."""
    return await _show(opened, await gather(opened), form, Sent(status, password))


async def _show(opened: Opened, facts: ExecutionFacts, form: ExecutionForm, sent: Sent | None = None) -> Response:
    here, is_shown = opened.here, opened.is_mine or sent is not None
    examined = (sent and sent.examined) or await _examined(opened, facts, form)
    stands = standing(opened, f"Execution of an {told_of(facts.idea)}.")
    page = ExecutorTask(
        frame=opened.frame(is_live=sent is None),
        standing=stands,
        steps=steps(opened, facts, examined),
        idea=prose(facts.text),
        idea_fault=facts.text_fault,
        idea_href=here.url("idea", idea=facts.idea.idea_id),
        parents=facts.parents,
        form=form,
        has_form=is_shown,
        has_repository=here.clone is not None,
        commits=options(facts.pushes, here, form.commit.value),
        pushes_fault=facts.pushes.fault,
        checks=examined.checks,
        changes=examined.changes,
        run_note=facts.run_note,
        is_run_fault=isinstance(facts.result, ExecutionFailed),
        commands=facts.commands,
        password=sent.password if sent else None,
        password_href=here.url("git_password", task=opened.task.task_id) if here.visit.offers.is_ours else None,
    )
    return here.visit.show(page, sent.status if sent else 200)


async def _examined(opened: Opened, facts: ExecutionFacts, form: ExecutionForm) -> Examined:
    """The commit that the form means, looked at."""
    if forms.COMMIT.fullmatch(form.chosen) is None:
        return Examined()
    return await examine(opened.here, form.chosen, facts.parents)
