"""The executor's desk: one idea to turn into a commit, by hand or on the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import Response

from store_client import ExecutionFailed, GitPassword, Refused, Unauthorized, format_time
from web_ui.active import Here
from web_ui.commits import Check, Examined, examine, options
from web_ui.diffs import Changes
from web_ui.forms import execution as forms
from web_ui.forms.drafts import CLAIM, Words, again, words
from web_ui.forms.execution import ExecutionForm
from web_ui.forms.field import text
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.pages.drafting import STAYS, DraftState, Sheet, clear, saved, state_of, wants_fragment
from web_ui.pages.endings import stranded
from web_ui.pages.execution_facts import ExecutionFacts, Step, gather, prefilled, steps
from web_ui.previews import Shown
from web_ui.prose import prose
from web_ui.scores import ParentLink
from web_ui.standing import Opened, Standing, open_task, standing, told_of
from web_ui.templating import Frame
from web_ui.workflows import execution
from web_ui.workflows.attachments import Attachments
from web_ui.workflows.outcomes import Hand, Stranded, Submitted


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
    files: Shown
    """What came with the idea."""
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
    draft: DraftState
    said: Words
    """What this person has entered for a task that they do not hold now."""
    password: GitPassword | None
    password_href: str | None


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "executor")


async def show(here: Here) -> Response:
    """The task as its draft has it; where that says nothing, with the newest push or what its job brought back."""
    opened = await open_task(here, "executor")
    facts = await gather(opened)
    form = prefilled(opened, facts)
    return await _show(opened, facts, forms.over(form, again(opened.draft.fields)) if opened.draft else form)


async def git_password(here: Here) -> Response:
    """The task again with a password for git, shown this once; what was entered is kept."""
    opened, sheet = await open_task(here, "executor"), await Sheet.of(here, say)
    draft = await sheet.keep(opened)
    try:
        password = await here.store.git_password(opened.task.task_id)
    except Unauthorized:
        raise
    except Refused as refusal:
        fault = f"There is no password for this: {refusal.detail}."
        return await _again(opened, replace(forms.entered(sheet.form), fault=fault), Sent(409, draft))
    return await _again(opened, forms.entered(sheet.form), Sent(200, draft, password))


async def submit(here: Here) -> Response:
    """Save the draft, check the commit, hand it in, or say that it could not be done."""
    opened, sheet = await open_task(here, "executor"), await Sheet.of(here, say)
    typed = forms.entered(sheet.form)
    if sheet.act in STAYS:
        draft = await sheet.keep(opened)
        if wants_fragment(here):
            return saved(here, draft, ("files",))
        return await _again(opened, typed, Sent(409 if draft.fault else 200, draft))
    claim = opened.claim_in(text(sheet.form, CLAIM))
    if claim is None:
        return await _again(opened, replace(typed, fault=FORGED), Sent(422, await sheet.keep(opened)))
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(typed, fault=OVERTAKEN), Sent(409, await sheet.keep(opened)))
    return await (_give_up if sheet.act == "error" else _hand_in)(opened, hand, sheet)


def say(fields: Mapping[str, str]) -> Words:
    """What a draft says."""
    return words(forms.entered(again(fields)).fields)


async def _hand_in(opened: Opened, hand: Hand, sheet: Sheet) -> Response:
    draft = forms.draft(sheet.form)
    if isinstance(draft, ExecutionForm):
        return await _again(opened, draft, Sent(422, await sheet.keep(opened)))
    facts = await gather(opened)
    examined = await examine(opened.here, draft.commit_sha, facts.parents)
    if examined.fault:
        refused = forms.entered(sheet.form).refuse(examined.fault)
        return await _show(opened, facts, refused, Sent(422, await sheet.keep(opened), examined=examined))
    push = facts.pushes.of(draft.commit_sha)
    done = execution.Execution(
        draft.commit_sha,
        push.branch if push else draft.branch or None,
        draft.description,
        Attachments(draft.files, note_name="what-changed.md", kept=sheet.entered.kept_in("files")),
    )
    return await _land(opened, hand, sheet, done)


async def _give_up(opened: Opened, hand: Hand, sheet: Sheet) -> Response:
    draft = forms.given_up(sheet.form)
    if isinstance(draft, ExecutionForm):
        return await _again(opened, draft, Sent(422, await sheet.keep(opened)))
    kept = sheet.entered.kept_in("files")
    undone = execution.Execution(None, None, draft.reason, Attachments(draft.files, note_name="why-not.md", kept=kept))
    return await _land(opened, hand, sheet, undone)


async def _land(opened: Opened, hand: Hand, sheet: Sheet, done: execution.Execution) -> Response:
    here = opened.here
    outcome = await execution.submit(hand, done, format_time(here.visit.now))
    if isinstance(outcome, Submitted):
        await clear(opened)
        told = (
            f"{opened.task.title} is submitted. An evaluation comes next."
            if done.commit_sha
            else f"{opened.task.title} is handed back as failed, with your reason."
        )
        return here.visit.go(here.url("landed", task=opened.task.task_id), ("done", told))
    draft = await sheet.keep(opened)
    if isinstance(outcome, Stranded):
        return await stranded(await open_task(here, "executor"), outcome, sheet, draft)
    return await _again(opened, replace(forms.entered(sheet.form), fault=tell(outcome)), Sent(422, draft))


@dataclass(frozen=True)
class Sent:
    """What is particular about a page that answers a form."""

    status: int
    draft: DraftState
    password: GitPassword | None = None
    examined: Examined | None = None


async def _again(opened: Opened, form: ExecutionForm, sent: Sent) -> Response:
    """The page with what was entered."""
    return await _show(opened, await gather(opened), form, sent)


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
        files=facts.files,
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
        draft=sent.draft if sent else state_of(opened),
        said=say(opened.draft.fields) if opened.draft and not is_shown else (),
        password=sent.password if sent else None,
        password_href=here.url("git_password", task=opened.task.task_id) if here.visit.offers.is_ours else None,
    )
    return here.visit.show(page, sent.status if sent else 200)


async def _examined(opened: Opened, facts: ExecutionFacts, form: ExecutionForm) -> Examined:
    """The commit that the form means, looked at."""
    if forms.COMMIT.fullmatch(form.chosen) is None:
        return Examined()
    return await examine(opened.here, form.chosen, facts.parents)
