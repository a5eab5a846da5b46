"""The ideator's desk: what to try next, given what was tried."""

from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import (
    IdeasProposed,
    IdeationFailed,
    IdeationOutcome,
    VariantDetail,
    VariantStatus,
    format_time,
    read_ideation,
)
from web_ui.active import Here
from web_ui.filters import Direction, figure, plural, short_commit
from web_ui.forms import ideation as forms
from web_ui.forms.field import text
from web_ui.forms.ideation import IdeationForm
from web_ui.lines import objective_phrase
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.pages.variants import VariantRow, row
from web_ui.scores import commit_of, is_untold, measured, objective_name, side_metrics
from web_ui.standing import Opened, Standing, open_task, standing
from web_ui.templating import Frame
from web_ui.workflows import ideation
from web_ui.workflows.outcomes import Outcome, Submitted

BEST = 12
SHOWN = 6


@dataclass(frozen=True)
class IdeatorTask:
    """The page at /e/{experiment}/ideator/{task}."""

    template: ClassVar[str] = "ideator/show.html"

    frame: Frame
    standing: Standing
    goal: str
    background: str
    objective: str
    direction: Direction
    metrics: tuple[str, ...]
    best: tuple[VariantRow, ...]
    variants_href: str
    parents: tuple[tuple[str, str], ...]
    form: IdeationForm
    has_form: bool
    run_note: str
    is_run_fault: bool


@dataclass(frozen=True)
class Facts:
    """The best variants, and what the task's job proposed."""

    best: tuple[VariantDetail, ...]
    result: IdeationOutcome | None
    base: str


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "ideator")


async def show(here: Here) -> Response:
    """The task, with what its job proposed filled in."""
    opened = await open_task(here, "ideator")
    facts = await _gather(opened)
    parent = _default_parent(facts)
    match facts.result:
        case IdeasProposed(drafts):
            form = forms.of_drafts(drafts, opened.job.commit_sha if opened.job else parent)
        case _:
            form = forms.blank(parent)
    return _show(opened, facts, form)


async def submit(here: Here) -> Response:
    """Hand the ideas in, make room for another, or say that there are none."""
    opened, form = await open_task(here, "ideator"), await _form(here)
    typed, act = forms.entered(form), text(form, "act")
    if act == "add":
        facts = await _gather(opened)
        return _show(opened, facts, forms.with_room(typed, _default_parent(facts)), 200)
    claim = opened.claim_in(text(form, "claim"))
    if claim is None:
        return await _again(opened, replace(typed, fault=FORGED), 422)
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(typed, fault=OVERTAKEN), 409)
    if act == "error":
        return await _land(opened, await ideation.give_up(hand), typed, "Handed back: no idea came of it.")
    draft = forms.draft(form)
    if isinstance(draft, IdeationForm):
        return await _again(opened, draft, 422)
    outcome = await ideation.submit(hand, draft.ideas, format_time(here.visit.now))
    told = f"{plural(len(draft.ideas), 'idea')} submitted. The orchestrator hands out the best first."
    return await _land(opened, outcome, typed, told)


async def _land(opened: Opened, outcome: Outcome, typed: IdeationForm, told: str) -> Response:
    here = opened.here
    if isinstance(outcome, Submitted):
        return here.visit.go(here.url("ideator"), ("done", told))
    status, fault = tell(outcome)
    return await _again(await open_task(here, "ideator"), replace(typed, fault=fault), status)


async def _form(here: Here) -> FormData:
    return await here.visit.request.form(max_files=0, max_part_size=4 * 1_048_576)


async def _gather(opened: Opened) -> Facts:
    scored = await _scored(opened)
    job = opened.job
    result = read_ideation(job) if job is not None and job.state.is_final else None
    return Facts(scored, result, opened.detail.base_commit_sha or "")


async def _scored(opened: Opened) -> tuple[VariantDetail, ...]:
    """The best variants; where nobody knows what is better, the newest that were measured."""
    store, is_blind = opened.here.store, is_untold(opened.detail)
    if is_blind:
        page = await store.list_variant_page(VariantStatus.SUCCESS, limit=BEST)
    else:
        page = await store.list_variant_page(order="best", limit=BEST)
    return tuple(one for one in page.items if (is_blind or one.objective_value is not None) and commit_of(one))


def _default_parent(facts: Facts) -> str:
    """The best variant so far, else the base commit; where nobody knows what is better, that first."""
    best = next((commit_of(one) or "" for one in facts.best), "")
    is_blind = any(one.objective_value is None for one in facts.best)
    return (facts.base or best) if is_blind else (best or facts.base)


def _parents(facts: Facts, form: IdeationForm) -> tuple[tuple[str, str], ...]:
    """What an idea may build on: the best variants with their scores, the base commit, and what was chosen already."""
    offered = {
        commit_of(one) or "": " · ".join(
            (
                one.label,
                *((figure(float(one.objective_value)),) if one.objective_value is not None else ()),
                *(("best so far",) if one.is_best else ()),
            )
        )
        for one in facts.best
    }
    if facts.base:
        offered.setdefault(facts.base, "the base commit")
    for one in form.slots:
        if one.parent.value:
            offered.setdefault(one.parent.value, short_commit(one.parent.value))
    return tuple(offered.items())


def _run_note(result: IdeationOutcome | None) -> str:
    match result:
        case IdeasProposed(drafts) if drafts:
            return f"The job has proposed {plural(len(drafts), 'idea')}, filled in here. Look at them, then submit."
        case IdeasProposed():
            return "The job had no idea."
        case IdeationFailed(reason):
            return f"The job has proposed nothing: {reason}."
    return ""


async def _again(opened: Opened, form: IdeationForm, status: int) -> Response:
    return _show(opened, await _gather(opened), form, status)


def _show(opened: Opened, facts: Facts, form: IdeationForm, status: int | None = None) -> Response:
    here, detail = opened.here, opened.detail
    schema = measured(detail.evaluation_schema, (one.evaluation for one in facts.best))
    metrics, goal = side_metrics(detail, schema), objective_phrase(detail)
    page = IdeatorTask(
        frame=opened.frame(is_live=status is None),
        standing=standing(opened, f"Ideas to {goal}." if goal else "Ideas for what to try next."),
        goal=goal[:1].upper() + goal[1:],
        background=detail.hypothesis or detail.description or "",
        objective=objective_name(detail),
        direction=detail.objective.direction,
        metrics=metrics[:2],
        best=tuple(row(here, detail, metrics[:2], one) for one in facts.best[:SHOWN]),
        variants_href=here.url("variants"),
        parents=_parents(facts, form),
        form=form,
        has_form=opened.is_mine or status is not None,
        run_note=_run_note(facts.result),
        is_run_fault=isinstance(facts.result, IdeationFailed),
    )
    return here.visit.show(page, status or 200)
