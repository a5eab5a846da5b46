"""The variants of an experiment: what was tried, how it scored, and what it changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from starlette.responses import Response

from store_client import ExperimentDetail, VariantDetail, VariantStatus
from web_ui.active import Here
from web_ui.filters import Direction, Moment
from web_ui.frame import experiment_frame
from web_ui.lines import objective_phrase
from web_ui.listing import PAGE, Pager, Place, choice
from web_ui.pages.variant_page import show
from web_ui.scores import Metric, measured, metric, number, objective_name, over_baseline, side_metrics
from web_ui.templating import Frame, Tab

__all__ = ["Variants", "index", "show"]

STATUS_WORDS = (
    (None, "All"),
    ("success", "Scored"),
    ("starting", "In the making"),
    ("error", "Failed"),
    ("evaluation_error", "Not evaluated"),
)


@dataclass(frozen=True)
class VariantRow:
    """One variant in the table; `metrics` follow the page's."""

    variant_id: str
    number: int
    name: str
    href: str
    status: str
    is_baseline: bool
    is_best: bool
    is_integrated: bool
    value: float | None
    delta: float | None
    metrics: tuple[Metric, ...]
    by: str
    change: str
    moment: Moment


@dataclass(frozen=True)
class Variants:
    """The page at /e/{experiment}/variants."""

    template: ClassVar[str] = "variants/index.html"

    frame: Frame
    sentence: str
    filters: tuple[Tab, ...]
    objective: str
    direction: Direction
    metrics: tuple[str, ...]
    newest_href: str
    best_href: str
    order: str
    rows: tuple[VariantRow, ...]
    pager: Pager


async def index(here: Here) -> Response:
    """A page of variants, newest or best first."""
    place = Place.of(here.visit.request, "order", "status")
    order: Literal["best", "newest"] = "best" if place.fields.get("order") == "best" else "newest"
    status = choice(here.visit.request, "status", tuple(VariantStatus))
    detail, page, fleet = await asyncio.gather(
        here.store.read_experiment_detail(),
        here.store.list_variant_page(VariantStatus(status) if status else None, order, place.after, PAGE),
        here.visit.fleet(),
    )
    metrics = side_metrics(detail, measured(detail.evaluation_schema, (one.evaluation for one in page.items)))
    return here.visit.show(
        Variants(
            frame=experiment_frame(here, "Variants", "variants", fleet),
            sentence=_sentence(detail),
            filters=_filters(place, status),
            objective=objective_name(detail),
            direction=detail.objective.direction,
            metrics=metrics,
            newest_href=place.having(order=None),
            best_href=place.having(order="best"),
            order=order,
            rows=tuple(row(here, detail, metrics, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total),
        )
    )


def row(here: Here, detail: ExperimentDetail, metrics: Sequence[str], one: VariantDetail) -> VariantRow:
    """A variant as the table shows it."""
    value = number(one.objective_value)
    return VariantRow(
        variant_id=one.variant_id,
        number=one.number,
        name=one.label,
        href=here.url("variant", variant=one.variant_id),
        status=one.status.value,
        is_baseline=one.kind == "baseline",
        is_best=one.is_best,
        is_integrated=one.variant_commit_sha is not None,
        value=value,
        delta=over_baseline(detail, value),
        metrics=tuple(metric((one.evaluation or {}).get(name)) for name in metrics),
        by=one.executor_name or "",
        change=one.description or "",
        moment=one.completed_at or one.started_at,
    )


def _sentence(detail: ExperimentDetail) -> str:
    counts = detail.counts
    parts = [f"{counts.evaluated} scored", f"{counts.failed} failed", f"{counts.integrated} integrated"]
    if counts.starting:
        parts.append(f"{counts.starting} in the making")
    goal = objective_phrase(detail)
    return f"Everything tried so far{f' to {goal}' if goal else ''}: {', '.join(parts)}."


def _filters(place: Place, status: str | None) -> tuple[Tab, ...]:
    return tuple(Tab(words, place.having(status=one), is_current=one == status) for one, words in STATUS_WORDS)
