"""The evaluator's desk: one variant to measure, by hand or on the queue."""

from dataclasses import dataclass, replace
from typing import ClassVar

from markupsafe import Markup
from starlette.datastructures import FormData
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
from web_ui.forms.evaluation import EvaluationForm
from web_ui.forms.field import text
from web_ui.git_commands import clone_url, to_look_at
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.prose import prose
from web_ui.scores import ParentLink, parent_links
from web_ui.standing import Opened, Standing, idea_text, open_task, standing
from web_ui.templating import Frame
from web_ui.workflows import evaluation
from web_ui.workflows.attachments import Attachments
from web_ui.workflows.outcomes import Submitted


@dataclass(frozen=True)
class EvaluatorTask:
    """The page at /e/{experiment}/evaluator/{task}."""

    template: ClassVar[str] = "evaluator/show.html"

    frame: Frame
    standing: Standing
    variant_href: str
    commit: str
    description: str
    idea: Markup
    idea_fault: str
    idea_href: str | None
    parents: tuple[ParentLink, ...]
    form: EvaluationForm
    has_form: bool
    outcomes: tuple[tuple[str, str], ...]
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
    result: EvaluationOutcome | None


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "evaluator")


async def show(here: Here) -> Response:
    """The task, with what its job measured filled in."""
    opened = await open_task(here, "evaluator")
    facts = await _gather(opened)
    return _show(opened, facts, _prefilled(opened, facts))


async def submit(here: Here) -> Response:
    """Hand the evaluation in."""
    opened, form = await open_task(here, "evaluator"), await _form(here)
    schema, claim = opened.detail.evaluation_schema, opened.claim_in(text(form, "claim"))
    typed = forms.entered(form, schema)
    if claim is None:
        return await _again(opened, replace(typed, fault=FORGED), 422)
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(typed, fault=OVERTAKEN), 409)
    if text(form, "act") == "add":
        return _show(opened, await _gather(opened), forms.with_room(typed), status=200)
    draft = forms.draft(form, schema)
    if isinstance(draft, EvaluationForm):
        return await _again(opened, draft, 422)
    attachments = Attachments(draft.files, draft.notes)
    outcome = await evaluation.submit(hand, evaluation.Evaluation(draft.status, draft.metrics, attachments))
    if isinstance(outcome, Submitted):
        return here.visit.go(here.url("evaluator"), ("done", f"{opened.task.title} is submitted. {NEXT[draft.status]}"))
    status, fault = tell(outcome)
    return await _again(await open_task(here, "evaluator"), replace(typed, fault=fault), status)


async def git_password(here: Here) -> Response:
    """The task again with a password for git, shown this once; what was entered stays."""
    opened, form = await open_task(here, "evaluator"), await _form(here)
    typed = forms.entered(form, opened.detail.evaluation_schema)
    try:
        password = await here.store.git_password(opened.task.task_id)
    except Unauthorized:
        raise
    except Refused as refusal:
        fault = f"There is no password for this: {refusal.detail}."
        return await _again(opened, replace(typed, fault=fault), 409)
    return await _again(opened, typed, 200, password)


NEXT = {
    "success": "When it is accepted, a good variant is integrated.",
    "error": "The variant fails with it.",
    "evaluation_error": "Somebody else may measure the variant.",
}


async def _form(here: Here) -> FormData:
    return await here.visit.request.form(max_files=20, max_part_size=4 * 1_048_576)


async def _gather(opened: Opened) -> Facts:
    here = opened.here
    variant = await here.store.read_variant_detail(str(opened.task.subject_id))
    words, fault = await _idea_of(here, variant)
    is_ended = opened.job is not None and opened.job.state.is_final
    return Facts(variant, words, fault, read_evaluation(opened.job) if opened.job is not None and is_ended else None)


async def _idea_of(here: Here, variant: VariantDetail) -> tuple[str, str]:
    if variant.idea_id is None:
        return "", "The baseline has no idea: it is the commit that the experiment began with."
    idea = await here.store.read_idea(variant.idea_id)
    return await idea_text(here, idea.artifacts_uri)


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


async def _again(opened: Opened, form: EvaluationForm, status: int, password: GitPassword | None = None) -> Response:
    return _show(opened, await _gather(opened), form, status=status, password=password)


def _show(
    opened: Opened,
    facts: Facts,
    form: EvaluationForm,
    *,
    status: int | None = None,
    password: GitPassword | None = None,
) -> Response:
    here, variant = opened.here, facts.variant
    url = clone_url(here, opened.detail, opened.worker_id)
    by = f", made by {variant.executor_name}" if variant.executor_name else ""
    page = EvaluatorTask(
        frame=opened.frame(is_live=status is None),
        standing=standing(
            opened, f"Evaluation of variant {variant.number}{by}, priority {figure(opened.task.priority)}."
        ),
        variant_href=here.url("variant", variant=variant.variant_id),
        commit=variant.commit_sha or "",
        description=variant.description or "",
        idea=prose(facts.text),
        idea_fault=facts.text_fault,
        idea_href=here.url("idea", idea=variant.idea_id) if variant.idea_id else None,
        parents=parent_links(variant.parents, lambda one: here.url("variant", variant=one)) if variant.idea_id else (),
        form=form,
        has_form=opened.is_mine or status is not None,
        outcomes=forms.OUTCOMES,
        run_note=_run_note(facts.result),
        is_run_fault=isinstance(facts.result, EvaluationFailed | VariantFailed),
        commands=to_look_at(url, opened.detail.slug, variant.commit_sha or "main") if url else "",
        password=password,
        password_href=here.url("evaluation_password", task=opened.task.task_id)
        if opened.is_mine and here.visit.offers.is_ours
        else None,
    )
    return here.visit.show(page, status or 200)
