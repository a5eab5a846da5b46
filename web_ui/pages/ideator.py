"""The ideator's desk: what to try next, given what was tried."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import Response

from store_client import IdeasProposed, IdeationFailed, format_time
from web_ui.active import Here
from web_ui.filters import Direction, plural, with_query
from web_ui.forms import ideation as forms
from web_ui.forms.drafts import CLAIM, Words, again
from web_ui.forms.field import text
from web_ui.forms.ideation import IdeationForm
from web_ui.lines import objective_phrase
from web_ui.outcome_words import FORGED, OVERTAKEN, tell
from web_ui.pages import desks
from web_ui.pages.drafting import STAYS, DraftState, Sheet, clear, saved, state_of, wants_fragment
from web_ui.pages.endings import stranded
from web_ui.pages.ideation_facts import Facts, built_on, gather, members_of, parents_of
from web_ui.pages.variants import VariantRow, row
from web_ui.prose import prose
from web_ui.scores import measured, objective_name, side_metrics
from web_ui.standing import Opened, Standing, open_task, standing
from web_ui.templating import Frame
from web_ui.workflows import ideation
from web_ui.workflows.attachments import Attachments
from web_ui.workflows.outcomes import Hand, Outcome, Stranded, Submitted

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
    can_choose: bool
    """Whether all variants are to choose from, and not the best alone."""
    form: IdeationForm
    has_form: bool
    previews: tuple[Markup, ...]
    """The texts of the ideas as they will look; none unless they were asked for."""
    members: tuple[str, ...]
    draft: DraftState
    said: Words
    """What this person has entered for a task that they do not hold now."""
    run_note: str
    is_run_fault: bool


async def index(here: Here) -> Response:
    """The desk."""
    return await desks.index(here, "ideator")


async def show(here: Here) -> Response:
    """The task as its draft has it, else with what its job proposed filled in."""
    opened = await open_task(here, "ideator")
    facts, asked = await asyncio.gather(gather(opened), built_on(here))
    parent = asked.commit or facts.default_parent
    drafted = forms.entered(again(opened.draft.fields)) if opened.draft else None
    if drafted is not None and (drafted.filled or not isinstance(facts.result, IdeasProposed)):
        form = drafted
    elif isinstance(facts.result, IdeasProposed):
        form = forms.of_drafts(facts.result.drafts, opened.job.commit_sha if opened.job else parent)
    else:
        form = forms.blank("")
    return _show(opened, facts, forms.settled(forms.building_on(form, asked.commit), parent))


async def submit(here: Here) -> Response:
    """Save the draft, change how many ideas there are, hand them in, or say that there are none."""
    opened, sheet = await open_task(here, "ideator"), await Sheet.of(here, say)
    if sheet.act.startswith("remove-"):
        sheet = sheet.without(sheet.act.removeprefix("remove-"), forms.without)
    typed = forms.entered(sheet.form)
    if sheet.act in STAYS or sheet.act.startswith(("add", "remove-", "parents-")):
        return await _stay(opened, sheet, typed)
    claim = opened.claim_in(text(sheet.form, CLAIM))
    if claim is None:
        return await _again(opened, replace(typed, fault=FORGED), Sent(422, await sheet.keep(opened)))
    hand = opened.hand_under(claim)
    if opened.is_mine and not hand.is_held:
        return await _again(opened, replace(typed, fault=OVERTAKEN), Sent(409, await sheet.keep(opened)))
    if sheet.act == "error":
        return await _land(opened, await ideation.give_up(hand), sheet, "Handed back: no idea came of it.")
    return await _hand_in(opened, hand, sheet)


async def _stay(opened: Opened, sheet: Sheet, typed: IdeationForm) -> Response:
    """The form again, saved: with one place more or less, with its texts as they will look; or on to the parents."""
    here, draft = opened.here, await sheet.keep(opened)
    if wants_fragment(here):
        return saved(here, draft, [one.files for one in typed.slots])
    if sheet.act.startswith("parents-") and not draft.fault:
        chooser = here.url("choose_parents", task=opened.task.task_id)
        return here.visit.go(with_query(chooser, idea=sheet.act.removeprefix("parents-")))
    facts = await gather(opened)
    shown = forms.settled(forms.with_room(typed, "") if sheet.act == "add" else typed, facts.default_parent)
    if sheet.act == "preview":
        shown = forms.warned(shown, await _taken(opened, shown))
    return _show(opened, facts, shown, Sent(409 if draft.fault else 200, draft, is_preview=sheet.act == "preview"))


async def _hand_in(opened: Opened, hand: Hand, sheet: Sheet) -> Response:
    draft = forms.draft(sheet.form, await members_of(opened))
    if isinstance(draft, IdeationForm):
        return await _again(opened, draft, Sent(422, await sheet.keep(opened)))
    proposed = [_proposed(one, sheet) for one in draft.ideas]
    if not hand.is_handed_in and not text(sheet.form, "anyway"):
        typed, own = forms.entered(sheet.form), {ideation.idea_id(hand, one) for one in proposed}
        asked = forms.warned(typed, await _taken(opened, typed, own))
        if asked.is_warned:
            return await _again(opened, asked, Sent(422, await sheet.keep(opened)))
    outcome = await ideation.submit(hand, proposed, format_time(opened.here.visit.now))
    told = f"{plural(len(draft.ideas), 'idea')} submitted. The orchestrator hands out the best first."
    return await _land(opened, outcome, sheet, told)


def _proposed(one: forms.Meant, sheet: Sheet) -> ideation.Proposed:
    files = Attachments(sheet.entered.chosen_in(one.files), kept=sheet.entered.kept_in(one.files))
    return ideation.Proposed(one.idea, one.executor, one.evaluator, files)


async def _land(opened: Opened, outcome: Outcome, sheet: Sheet, told: str) -> Response:
    here = opened.here
    if isinstance(outcome, Submitted):
        await clear(opened)
        return here.visit.go(here.url("landed", task=opened.task.task_id), ("done", told))
    draft = await sheet.keep(opened)
    if isinstance(outcome, Stranded):
        return await stranded(await open_task(here, "ideator"), outcome, sheet, draft)
    return await _again(opened, replace(forms.entered(sheet.form), fault=tell(outcome)), Sent(422, draft))


def say(fields: Mapping[str, str]) -> Words:
    """What a draft says: the texts of its ideas, each with its name."""
    filled = forms.entered(again(fields)).filled
    return tuple((f"Idea {one.number}: {one.name.value or one.slug}", one.content.value) for one in filled)


async def _taken(opened: Opened, form: IdeationForm, own: Collection[str] = ()) -> frozenset[str]:
    """The names among those of a form that other ideas of the experiment have; `own` are ids of these very ones."""
    slugs = sorted({one.slug for one in form.filled if one.slug})
    if not slugs:
        return frozenset()
    found = await opened.here.store.list_idea_page(slugs=slugs, limit=2 * len(slugs))
    return frozenset(idea.slug for idea in found.items if idea.idea_id not in own)


@dataclass(frozen=True)
class Sent:
    """What is particular about a page that answers a form."""

    status: int
    draft: DraftState
    is_preview: bool = False


async def _again(opened: Opened, form: IdeationForm, sent: Sent) -> Response:
    facts = await gather(opened)
    return _show(opened, facts, forms.settled(form, facts.default_parent), sent)


def _show(opened: Opened, facts: Facts, form: IdeationForm, sent: Sent | None = None) -> Response:
    here, detail = opened.here, opened.detail
    schema = measured(detail.evaluation_schema, (one.evaluation for one in facts.best))
    metrics, goal = side_metrics(detail, schema), objective_phrase(detail)
    is_shown = opened.is_mine or sent is not None
    page = IdeatorTask(
        frame=opened.frame(is_live=sent is None),
        standing=standing(opened, f"Ideas to {goal}." if goal else "Ideas for what to try next."),
        goal=goal[:1].upper() + goal[1:],
        background=detail.hypothesis or detail.description or "",
        objective=objective_name(detail),
        direction=detail.objective.direction,
        metrics=metrics[:2],
        best=tuple(row(here, detail, metrics[:2], one) for one in facts.best[:SHOWN]),
        variants_href=here.url("variants"),
        parents=parents_of(facts, form),
        can_choose=here.visit.offers.is_ours,
        form=form,
        has_form=is_shown,
        previews=tuple(prose(one.content.value) for one in form.slots) if sent is not None and sent.is_preview else (),
        members=facts.members.offered,
        draft=sent.draft if sent else state_of(opened),
        said=say(opened.draft.fields) if opened.draft and not is_shown else (),
        run_note=facts.run_note,
        is_run_fault=isinstance(facts.result, IdeationFailed),
    )
    return here.visit.show(page, sent.status if sent else 200)
