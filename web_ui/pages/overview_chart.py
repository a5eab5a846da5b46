"""The plot of the overview: scores in the order of trying, by the objective or by another metric."""

from collections.abc import Sequence
from dataclasses import replace

from store_client import ExperimentDetail, ProgressPoint
from web_ui.active import Here
from web_ui.charts import ChartPoint, ProgressChart, progress_chart
from web_ui.filters import with_query
from web_ui.scores import objective_name
from web_ui.templating import Tab

UNPLOTTED = {"text"}


def chosen_metric(here: Here, detail: ExperimentDetail) -> str | None:
    """The metric that the plot shows instead of the objective, when the address names one."""
    asked = here.visit.request.query_params.get("metric")
    return asked if asked in plotted(detail) and asked != here.experiment.metric else None


def plotted(detail: ExperimentDetail) -> tuple[str, ...]:
    """The metrics that are numbers."""
    return tuple(name for name, kind in detail.evaluation_schema.items() if kind not in UNPLOTTED)


def chart(here: Here, progress: Sequence[ProgressPoint], metric: str | None) -> ProgressChart:
    """Scores in the order of trying; variants still under way are left out."""
    ended = [point for point in progress if point.status != "starting" and not point.is_baseline]
    points = [
        ChartPoint(point.label, here.url("variant", variant=point.variant_id), value_of(point, metric), note_of(point))
        for point in ended
    ]
    one = here.experiment
    if metric is None:
        return progress_chart(points, objective_name(one), one.objective.direction, one.baseline)
    baseline = next((value_of(point, metric) for point in progress if point.is_baseline), None)
    # Which way another metric is better nobody has said, so no value of it is called the best.
    drawn = progress_chart(points, metric, "maximize", baseline)
    return replace(drawn, title=f"{metric} by variant", best_line="", best=None)


def value_of(point: ProgressPoint, metric: str | None) -> float | None:
    """A point's number on the plot; none for a failure."""
    value = point.objective_value if metric is None else point.metrics.get(metric)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def note_of(point: ProgressPoint) -> str:
    """How a variant without a score ended."""
    return {"error": "failed", "evaluation_error": "could not be evaluated"}.get(point.status, "")


def metric_tabs(here: Here, detail: ExperimentDetail, metric: str | None) -> tuple[Tab, ...]:
    """A place for the objective and for each other metric; none when there is no choice."""
    own = objective_name(here.experiment)
    href = here.url("overview")
    others = [name for name in plotted(detail) if name != own]
    places = [(own, href), *((name, with_query(href, metric=name)) for name in others)]
    return tuple(Tab(name, address, is_current=name == (metric or own)) for name, address in places)
