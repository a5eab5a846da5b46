"""Plots of everything that was measured: over time, against each other, and all of it side by side."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import Sample
from web_ui.active import Here
from web_ui.filters import with_query
from web_ui.frame import experiment_frame
from web_ui.plots import Measured, Parallel, Scatter, parallel, ranks, scatter
from web_ui.scores import Metric, objective_name
from web_ui.templating import Frame, Tab

SAMPLED, LINES, ROWS = 160, 80, 60
WHOLE = 1e15


@dataclass(frozen=True)
class MetricRow:
    """A variant of the table behind the plots; `values` follow the page's metrics."""

    name: str
    href: str
    number: int
    values: tuple[Metric, ...]


@dataclass(frozen=True)
class Metrics:
    """The page at /e/{experiment}/metrics."""

    template: ClassVar[str] = "metrics/index.html"

    frame: Frame
    sentence: str
    metrics: tuple[str, ...]
    x_name: str
    y_name: str
    y_tabs: tuple[Tab, ...]
    over_time: Scatter | None
    against: Scatter | None
    side_by_side: Parallel | None
    rows: tuple[MetricRow, ...]
    objective: str
    action: str
    variants_href: str


async def show(here: Here) -> Response:
    """The plots, of the metrics that the address names."""
    sample, fleet = await asyncio.gather(here.store.read_sample(SAMPLED), here.visit.fleet())
    names = _named(here, sample)
    variants = _measured(here, sample)
    y_name, x_name = _chosen(here, names)
    page = Metrics(
        frame=experiment_frame(here, "Metrics", "variants", fleet),
        sentence=_sentence(sample),
        metrics=names,
        x_name=x_name,
        y_name=y_name,
        y_tabs=tuple(_tab(here, name, x_name, is_current=name == y_name) for name in names),
        over_time=scatter(variants, "", y_name) if y_name else None,
        against=scatter(variants, x_name, y_name) if x_name and y_name else None,
        side_by_side=parallel(variants, names, LINES),
        rows=tuple(_row(each, names) for each in reversed(variants))[:ROWS],
        objective=objective_name(here.experiment),
        action=here.url("metrics"),
        variants_href=here.url("variants"),
    )
    return here.visit.show(page)


def _named(here: Here, sample: Sample) -> tuple[str, ...]:
    """The objective first, where it is more than one of the metrics."""
    own = objective_name(here.experiment)
    return (own, *sample.metrics) if own and own not in sample.metrics and sample.variants else sample.metrics


def _measured(here: Here, sample: Sample) -> list[Measured]:
    own, is_minimised = objective_name(here.experiment), here.experiment.objective.direction == "minimize"
    scores = [None if one.value is None else float(one.value) for one in sample.variants]
    fifths = ranks(scores, is_minimised=is_minimised)
    found = []
    for one, score, rank in zip(sample.variants, scores, fifths, strict=True):
        values = {name: float(value) for name, value in one.metrics.items()}
        if own and score is not None:
            values.setdefault(own, score)
        found.append(Measured(one.label, here.url("variant", variant=one.variant_id), one.number, values, rank))
    return _counted(found)


def _counted(variants: list[Measured]) -> list[Measured]:
    """The same with whole numbers for each metric that has no others, so that a count reads as one: 650, not 650.0."""
    broken = {
        name for each in variants for name, value in each.values.items() if not value.is_integer() or abs(value) > WHOLE
    }
    return [
        replace(each, values={name: value if name in broken else int(value) for name, value in each.values.items()})
        for each in variants
    ]


def _chosen(here: Here, names: tuple[str, ...]) -> tuple[str, str]:
    """What stands upward and what across: what the address names, else the objective against the next metric."""
    params, own = here.visit.request.query_params, objective_name(here.experiment)
    first = own if own in names else next(iter(names), "")
    upward = params.get("y", "") if params.get("y") in names else first
    other = next((name for name in names if name != upward), "")
    across = params.get("x", "") if params.get("x") in names and params.get("x") != upward else other
    return upward, across


def _tab(here: Here, name: str, x_name: str, *, is_current: bool) -> Tab:
    across = x_name if x_name != name else None
    return Tab(name, with_query(here.url("metrics"), y=name, x=across), is_current=is_current)


def _row(each: Measured, names: tuple[str, ...]) -> MetricRow:
    return MetricRow(each.name, each.href, each.number, tuple(each.values.get(name) for name in names))


def _sentence(sample: Sample) -> str:
    shown = len(sample.variants)
    if not shown:
        return "What variants measure is plotted here: over time, against each other, and side by side."
    if shown >= sample.total:
        return f"Everything that {shown:,} variants measured."
    return (
        f"{shown:,} of {sample.total:,} variants that were measured, the lowest and highest of every metric among them."
    )
