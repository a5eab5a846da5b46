"""Two to four variants side by side: metrics, what was tried, and what each changed since their common ancestor."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from store_client import ExperimentDetail, IdeaDetail, VariantDetail
from web_ui.active import Here
from web_ui.comparisons import Together, find, together
from web_ui.diffs import Changes, Room, changes
from web_ui.filters import Direction, short_commit, with_query
from web_ui.frame import experiment_frame
from web_ui.prose import prose
from web_ui.scores import Metric, ParentLink, measured, metric, number, objective_name, parent_links, side_metrics
from web_ui.standing import idea_text
from web_ui.templating import Frame

MOST = 4
CHOICES = 40
TEXT_CHARACTERS = 3_000
ROOM = Room(lines=160, of_file=80, characters=12_000)


@dataclass(frozen=True)
class Cell:
    """A metric of one variant; `delta` is against the first, where both are numbers."""

    value: Metric
    delta: float | None = None


@dataclass(frozen=True)
class MetricRow:
    """A metric of all variants; only the objective says which way is better."""

    name: str
    direction: Direction | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """One variant."""

    variant_id: str
    number: int
    name: str
    href: str
    build_href: str | None
    without_href: str
    status: str
    description: str
    parents: tuple[ParentLink, ...]
    idea_href: str | None
    idea: Markup
    idea_fault: str
    changes: Changes | None
    diff_href: str


@dataclass(frozen=True)
class ComparePage:
    """The page at /e/{experiment}/compare."""

    template: ClassVar[str] = "compare/show.html"

    frame: Frame
    sentence: str
    columns: tuple[Column, ...]
    metrics: tuple[MetricRow, ...]
    ancestor: str
    ancestor_href: str | None
    fault: str
    diff_fault: str
    choices: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]
    is_full: bool


async def show(here: Here) -> Response:
    """The variants that the address names; with fewer than two, what to choose from."""
    asked = [one.strip() for one in here.visit.request.query_params.getlist("variant") if one.strip()]
    wanted = list(dict.fromkeys(asked))
    detail, best, fleet, found = await asyncio.gather(
        here.store.read_experiment_detail(),
        here.store.list_variant_page(order="best", limit=CHOICES),
        here.visit.fleet(),
        asyncio.gather(*(find(here, one) for one in wanted[:MOST])),
    )
    variants = list({one.variant_id: one for one in found if one is not None}.values())
    unknown = [one for one, variant in zip(wanted, found, strict=False) if variant is None]
    columns, shared = await _columns(here, variants)
    fault = _fault(wanted, unknown)
    page = ComparePage(
        frame=experiment_frame(here, "Compare", "variants", fleet),
        sentence=_sentence(variants),
        columns=columns,
        metrics=_metrics(detail, variants),
        ancestor=short_commit(shared.ancestor) if shared.ancestor else "",
        ancestor_href=here.url("code", commit=shared.ancestor) if shared.ancestor else None,
        fault=fault,
        diff_fault=shared.fault,
        choices=tuple((one.variant_id, f"{one.number} {one.label}") for one in best.items),
        chosen=tuple(one.variant_id for one in variants),
        is_full=len(variants) >= MOST,
    )
    return here.visit.show(page, 422 if fault else 200)


async def _columns(here: Here, variants: Sequence[VariantDetail]) -> tuple[tuple[Column, ...], Together]:
    made = [one for one in variants if one.commit_sha]
    shared, ideas = await asyncio.gather(
        together(here, [str(one.commit_sha) for one in made]),
        asyncio.gather(*(_idea_of(here, one) for one in variants)),
    )
    shown = await asyncio.to_thread(lambda: [changes(one, ROOM) for one in shared.diffs])
    of = {one.variant_id: each for one, each in zip(made, shown, strict=False)}
    return tuple(
        _column(here, variants, one, (idea, of.get(one.variant_id))) for one, idea in zip(variants, ideas, strict=True)
    ), shared


async def _idea_of(here: Here, variant: VariantDetail) -> tuple[str, str]:
    """The text of the idea behind a variant."""
    if variant.idea_id is None:
        return "", ""
    idea: IdeaDetail = await here.store.read_idea_detail(variant.idea_id)
    text, fault = await idea_text(here, idea.artifacts_uri)
    return text[:TEXT_CHARACTERS] + ("…" if len(text) > TEXT_CHARACTERS else ""), fault


def _column(
    here: Here,
    variants: Sequence[VariantDetail],
    one: VariantDetail,
    known: tuple[tuple[str, str], Changes | None],
) -> Column:
    (text, fault), changed = known
    others = [other.variant_id for other in variants if other is not one]
    return Column(
        variant_id=one.variant_id,
        number=one.number,
        name=one.label,
        href=here.url("variant", variant=one.variant_id),
        build_href=with_query(here.url("ideator"), parent=one.variant_id)
        if one.commit_sha and here.visit.may_act
        else None,
        without_href=f"{here.url('compare')}?{urlencode([('variant', other) for other in others])}",
        status="integrated" if one.variant_commit_sha else one.status.value,
        description=one.description or "",
        parents=parent_links(one.parents, lambda variant: here.url("variant", variant=variant)),
        idea_href=here.url("idea", idea=one.idea_id) if one.idea_id else None,
        idea=prose(text),
        idea_fault=fault,
        changes=changed,
        diff_href=here.url("diff", variant=one.variant_id),
    )


def _metrics(detail: ExperimentDetail, variants: Sequence[VariantDetail]) -> tuple[MetricRow, ...]:
    names = side_metrics(detail, measured(detail.evaluation_schema, (one.evaluation for one in variants)))
    goal = objective_name(detail)
    rows = [MetricRow(goal, detail.objective.direction, _cells([number(one.objective_value) for one in variants]))]
    told = [one.evaluation or {} for one in variants]
    rows += [MetricRow(name, None, _cells([metric(one.get(name)) for one in told])) for name in names]
    return tuple(row for row in rows if row.name)


def _cells(values: Sequence[Metric]) -> tuple[Cell, ...]:
    first = values[0] if values else None

    def cell(place: int, value: Metric) -> Cell:
        if place and isinstance(value, int | float) and isinstance(first, int | float):
            return Cell(value, value - first)
        return Cell(value)

    return tuple(cell(place, value) for place, value in enumerate(values))


def _sentence(variants: Sequence[VariantDetail]) -> str:
    if len(variants) < 2:
        return "Choose two to four variants; each is measured against the first."
    return f"{len(variants)} variants; each is measured against {variants[0].number} {variants[0].label}."


def _fault(wanted: Sequence[str], unknown: Sequence[str]) -> str:
    if unknown:
        return f"No variant here has the number or id {unknown[0][:80]}."
    return f"At most {MOST} are compared at once; the first {MOST} are shown." if len(wanted) > MOST else ""
