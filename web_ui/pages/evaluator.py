"""The evaluator's desk: one variant to measure, by hand or on the queue."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import Response

from store_client import (
    Evaluated,
    EvaluationFailed,
    EvaluationOutcome,
    GitPassword,
    Refused,
    Unauthorized,
    VariantDetail,
    VariantFailed,
    read_evaluation,
)
from web_ui.active import Here
from web_ui.filters import figure
from web_ui.forms import evaluation as forms
from web_ui.forms.drafts import CLAIM, Words, again, words
from web_ui.forms.evaluation import EvaluationForm
from web_ui.forms.field import text
from web_ui.git_commands import clone_url, to_look_at
from web_ui.lines import objective_phrase
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.pages.drafting import STAYS, DraftState, Sheet, clear, saved, state_of, wants_fragment
from web_ui.pages.endings import stranded
from web_ui.pages.evaluation_preview import Preview, preview
from web_ui.previews import Shown, beside, with_idea
from web_ui.prose import prose
from web_ui.scores import ParentLink, parent_links
from web_ui.standing import Opened, Standing, idea_text, open_task, standing
from web_ui.templating import Frame
from web_ui.workflows import evaluation
from web_ui.workflows.attachments import Attachments
from web_ui.workflows.outcomes import Hand, Stranded, Submitted


@dataclass(frozen=True)
class EvaluatorTask:
    """The page at /e/{experiment}/evaluator/{task}."""

    template: ClassVar[str] = "evaluator/show.html"

    frame: Frame
    standing: Standing
    variant_href: str
    commit: str
    description: str
    files: Shown
    """What the executor, and an evaluator before, have kept with the variant; and what came with the idea."""
    idea: Markup
    idea_fault: str
    idea_href: str | None
    parents: tuple[ParentLink, ...]
    objective: str
    form: EvaluationForm
    has_form: bool
    outcomes: tuple[tuple[str, str], ...]
    preview: Preview | None
    draft: DraftState
    said: Words
    """What this person has entered for a task that they do not hold now."""
    run_note: str
    is_run_fault: bool
    commands: str
    password: GitPassword | None
    password_href: str | None


@dataclass(frozen=True)
class Facts:
    """The variant, its idea, and what its job measured."""

    variant: VariantDetail
    text: str
    text_fault: str
    files: Shown
    result: EvaluationOutcome | None


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "evaluator")


async def show(here: Here) -> Response:
    """The task as its draft has it; where that says nothing, with what its job measured."""
    opened = await open_task(here, "evaluator")
    facts = await _gather(opened)
    form = _prefilled(opened, facts)
    if opened.draft is not None:
        form = forms.over(form, again(opened.draft.fields), opened.detail.evaluation_schema)
    return _show(opened, facts, form)


async def submit(here: Here) -> Response:
    """Save the draft, show what it would score, or hand the evaluation in."""
    opened = await open_task(here, "evaluator")
    schema = opened.detail.evaluation_schema
    sheet = await Sheet.of(here, partial(say, schema))
    typed = forms.entered(sheet.form, schema)
    if sheet.act in STAYS or sheet.act == "add":
        draft = await sheet.keep(opened)
        if wants_fragment(here):
            return saved(here, draft, ("files",))
        shown = forms.with_room(typed) if sheet.act == "add" else typed
        return await _again(opened, shown, Sent(409 if draft.fault else 200, draft, is_preview=sheet.act == "preview"))
    claim = opened.claim_in(text(sheet.form, CLAIM))
    if claim is None:
        return await _again(opened, replace(typed, fault=FORGED), Sent(422, await sheet.keep(opened)))
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(typed, fault=OVERTAKEN), Sent(409, await sheet.keep(opened)))
    return await _hand_in(opened, hand, sheet)


async def _hand_in(opened: Opened, hand: Hand, sheet: Sheet) -> Response:
    here, schema = opened.here, opened.detail.evaluation_schema
    entered = forms.draft(sheet.form, schema)
    if isinstance(entered, EvaluationForm):
        return await _again(opened, entered, Sent(422, await sheet.keep(opened)))
    attachments = Attachments(entered.files, entered.notes, kept=sheet.entered.kept_in("files"))
    outcome = await evaluation.submit(hand, evaluation.Evaluation(entered.status, entered.metrics, attachments))
    if isinstance(outcome, Submitted):
        await clear(opened)
        told = f"{opened.task.title} is submitted. {NEXT[entered.status]}"
        return here.visit.go(here.url("landed", task=opened.task.task_id), ("done", told))
    draft = await sheet.keep(opened)
    if isinstance(outcome, Stranded):
        return await stranded(await open_task(here, "evaluator"), outcome, sheet, draft)
    typed = replace(forms.entered(sheet.form, schema), fault=tell(outcome))
    return await _again(opened, typed, Sent(422, draft))


def say(schema: Mapping[str, str], fields: Mapping[str, str]) -> Words:
    """What a draft says."""
    return words(forms.entered(again(fields), schema).fields)


async def git_password(here: Here) -> Response:
    """The task again with a password for git, shown this once; what was entered is kept."""
    opened = await open_task(here, "evaluator")
    schema = opened.detail.evaluation_schema
    sheet = await Sheet.of(here, partial(say, schema))
    typed, draft = forms.entered(sheet.form, schema), await sheet.keep(opened)
    try:
        password = await here.store.git_password(opened.task.task_id)
    except Unauthorized:
        raise
    except Refused as refusal:
        fault = f"There is no password for this: {refusal.detail}."
        return await _again(opened, replace(typed, fault=fault), Sent(409, draft))
    return await _again(opened, typed, Sent(200, draft, password))


@dataclass(frozen=True)
class Sent:
    """What is particular about a page that answers a form."""

    status: int
    draft: DraftState
    password: GitPassword | None = None
    is_preview: bool = False


NEXT = {
    "success": "When it is accepted, a good variant is integrated.",
    "error": "The variant fails with it.",
    "evaluation_error": "Somebody else may measure the variant.",
}


async def _gather(opened: Opened) -> Facts:
    here = opened.here
    variant = await here.store.read_variant_detail(str(opened.task.subject_id))
    (words, fault, with_idea), kept = await asyncio.gather(_idea_of(here, variant), beside(here, _kept(variant)))
    is_ended = opened.job is not None and opened.job.state.is_final
    result = read_evaluation(opened.job) if opened.job is not None and is_ended else None
    return Facts(variant, words, fault, (*kept, *with_idea), result)


async def _idea_of(here: Here, variant: VariantDetail) -> tuple[str, str, Shown]:
    if variant.idea_id is None:
        return "", "The baseline has no idea: it is the commit that the experiment began with.", ()
    idea = await here.store.read_idea(variant.idea_id)
    (words, fault), files = await asyncio.gather(
        idea_text(here, idea.artifacts_uri), with_idea(here, idea.artifacts_uri)
    )
    return words, fault, files


def _prefilled(opened: Opened, facts: Facts) -> EvaluationForm:
    """The form with what the job measured."""
    form = forms.blank(opened.detail.evaluation_schema)
    match facts.result:
        case Evaluated(measured):
            return _with(form, "success", measured)
        case VariantFailed(reason, measured):
            return replace(_with(form, "error", measured or {}), notes=form.notes.holding(reason))
        case EvaluationFailed(reason):
            return replace(_with(form, "evaluation_error", {}), notes=form.notes.holding(reason))
    return form


def _with(form: EvaluationForm, status: str, measured: dict[str, object]) -> EvaluationForm:
    metrics = tuple(field.holding(_typed(measured.get(field.label))) for field in form.metrics)
    return replace(form, metrics=metrics, outcome=form.outcome.holding(status))


def _typed(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _run_note(result: EvaluationOutcome | None) -> str:
    match result:
        case Evaluated():
            return "The job has measured the variant; its metrics are filled in. Look at them, then submit."
        case VariantFailed(reason):
            return f"The job found the variant at fault: {reason}. That is filled in; look at it, then submit."
        case EvaluationFailed(reason):
            return f"The job could not evaluate: {reason}. Evaluate by hand, or submit that it could not be done."
    return ""


async def _again(opened: Opened, form: EvaluationForm, sent: Sent) -> Response:
    return _show(opened, await _gather(opened), form, sent)


def _show(opened: Opened, facts: Facts, form: EvaluationForm, sent: Sent | None = None) -> Response:
    here, variant, schema = opened.here, facts.variant, opened.detail.evaluation_schema
    is_shown = opened.is_mine or sent is not None
    url = clone_url(here, opened.detail, opened.worker_id)
    by = f", made by {variant.executor_name}" if variant.executor_name else ""
    what = f"Evaluation of variant {variant.number}{by}, priority {figure(opened.task.priority)}."
    page = EvaluatorTask(
        frame=opened.frame(is_live=sent is None),
        standing=standing(opened, what),
        variant_href=here.url("variant", variant=variant.variant_id),
        commit=variant.commit_sha or "",
        description=variant.description or "",
        files=facts.files,
        idea=prose(facts.text),
        idea_fault=facts.text_fault,
        idea_href=here.url("idea", idea=variant.idea_id) if variant.idea_id else None,
        parents=parent_links(variant.parents, lambda one: here.url("variant", variant=one)) if variant.idea_id else (),
        objective=objective_phrase(opened.detail),
        form=form,
        has_form=is_shown,
        outcomes=forms.OUTCOMES,
        preview=preview(opened.detail, form) if sent is not None and sent.is_preview else None,
        draft=sent.draft if sent else state_of(opened),
        said=say(schema, opened.draft.fields) if opened.draft and not is_shown else (),
        run_note=_run_note(facts.result),
        is_run_fault=isinstance(facts.result, EvaluationFailed | VariantFailed),
        commands=to_look_at(url, opened.detail.slug, variant.commit_sha or "main") if url else "",
        password=sent.password if sent else None,
        password_href=here.url("evaluation_password", task=opened.task.task_id)
        if opened.is_mine and here.visit.offers.is_ours
        else None,
    )
    return here.visit.show(page, sent.status if sent else 200)


def _kept(variant: VariantDetail) -> tuple[tuple[str, str | None], ...]:
    return ("What the executor kept", variant.executor_artifacts_uri), ("From an evaluation", variant.artifacts_uri)
