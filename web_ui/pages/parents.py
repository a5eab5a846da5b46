"""Choosing what an idea builds on, among all variants: best first, or found by name or commit."""

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import Draft, KeptFile, VariantDetail
from web_ui.active import Here
from web_ui.filters import with_query
from web_ui.forms.field import text
from web_ui.forms.ideation import COMMIT, MOST_PARENTS, MOST_SLOTS
from web_ui.frame import experiment_frame
from web_ui.listing import Pager, Place
from web_ui.scores import commit_of, objective_name
from web_ui.templating import Frame
from web_ui.workflows import drafts

SHOWN = 30


@dataclass(frozen=True)
class ParentRow:
    """A variant to build on."""

    commit: str
    name: str
    href: str
    value: float | None
    is_best: bool
    is_chosen: bool


@dataclass(frozen=True)
class ParentsPage:
    """The page at /e/{experiment}/ideator/{task}/parents."""

    template: ClassVar[str] = "ideator/parents.html"

    frame: Frame
    idea: int
    wanted: str
    objective: str
    rows: tuple[ParentRow, ...]
    pager: Pager
    choose_href: str
    may_choose: bool
    search_href: str
    back_href: str


async def index(here: Here) -> Response:
    """All variants that have a commit, a page of them."""
    request, task_id = here.visit.request, _task(here)
    place, wanted = Place.of(request, "idea", "q"), request.query_params.get("q", "")[:200].strip()
    page, draft, detail, fleet = await asyncio.gather(
        here.store.list_variant_page(order="best", after=place.after, limit=SHOWN, begins=wanted or None),
        drafts.read(here.store, task_id),
        here.store.read_experiment_detail(),
        here.visit.fleet(),
    )
    idea = _number(place.fields.get("idea", ""))
    chosen = _chosen(draft, idea)
    rows = tuple(_row(here, one, chosen) for one in page.items if commit_of(one))
    shown = ParentsPage(
        frame=experiment_frame(here, f"What idea {idea} builds on", "ideator", fleet),
        idea=idea,
        wanted=wanted,
        objective=objective_name(detail) or "Score",
        rows=rows,
        pager=place.pager(len(page.items), page.next, page.total, size=SHOWN),
        choose_href=here.url("build_on", task=task_id),
        may_choose=here.visit.may_act,
        search_href=here.url("choose_parents", task=task_id),
        back_href=here.url("ideator_task", task=task_id),
    )
    return here.visit.show(shown)


async def choose(here: Here) -> Response:
    """Write what was chosen into the draft, and go back to it."""
    task_id, form = _task(here), await here.visit.request.form(max_files=0)
    commits = [one for one in form.getlist("commit") if isinstance(one, str) and COMMIT.fullmatch(one)]
    idea, back = _number(text(form, "idea")), here.url("ideator_task", task=task_id)
    if not commits or len(commits) > MOST_PARENTS:
        told = f"Choose one parent, or up to {MOST_PARENTS}."
        return here.visit.go(with_query(here.url("choose_parents", task=task_id), idea=idea), ("failed", told))
    draft = await drafts.read(here.store, task_id)
    fields = {**(draft.fields if draft else {}), f"parent-{idea}": ",".join(dict.fromkeys(commits))}
    files = [KeptFile(field=one.field, artifacts_uri=one.artifacts_uri) for one in (draft.files if draft else ())]
    await here.store.save_draft(task_id, fields, files, version=draft.version if draft else 0)
    return here.visit.go(back, ("done", f"Idea {idea} builds on what you chose."))


def _task(here: Here) -> str:
    return str(here.visit.request.path_params["task"])


def _number(typed: str) -> int:
    number = int(typed) if re.fullmatch(r"[0-9]{1,3}", typed) else 1
    return min(max(number, 1), MOST_SLOTS)


def _chosen(draft: Draft | None, idea: int) -> frozenset[str]:
    return frozenset((draft.fields.get(f"parent-{idea}", "") if draft else "").split(","))


def _row(here: Here, one: VariantDetail, chosen: frozenset[str]) -> ParentRow:
    commit = commit_of(one) or ""
    return ParentRow(
        commit=commit,
        name=one.label,
        href=here.url("variant", variant=one.variant_id),
        value=None if one.objective_value is None else float(one.objective_value),
        is_best=one.is_best,
        is_chosen=commit in chosen,
    )
