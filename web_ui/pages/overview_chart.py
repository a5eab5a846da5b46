"""The plot of the overview: scores in the order of trying, by the objective or by another metric."""

from collections.abc import Sequence
from dataclasses import replace

from store_client import ExperimentDetail, ProgressPoint
from web_ui.active import Here
from web_ui.charts import ChartPoint, ProgressChart, progress_chart
from web_ui.filters import with_query
from web_ui.scores import is_untold, objective_name
from web_ui.templating import Tab

UNPLOTTED = {"text"}


def chosen_metric(here: Here, plotted: Sequence[str]) -> str | None:
    """The metric that the plot shows instead of the objective: the address names it, or nobody knows the objective."""
    asked = here.visit.request.query_params.get("metric")
    if asked in plotted and asked != here.experiment.metric:
        return asked
    return next(iter(plotted), None) if is_untold(here.experiment) else None


def plotted(detail: ExperimentDetail, progress: Sequence[ProgressPoint]) -> tuple[str, ...]:
    """The metrics that are numbers; where the schema is not known, those that were numbers so far."""
    if detail.evaluation_schema:
        return tuple(name for name, kind in detail.evaluation_schema.items() if kind not in UNPLOTTED)
    return tuple({name: None for point in progress for name in point.metrics if value_of(point, name) is not None})


def chart(here: Here, progress: Sequence[ProgressPoint], metric: str | None) -> ProgressChart:
    """Scores in the order of trying; variants still under way are left out."""
    is_hidden = metric is None and is_untold(here.experiment)
    ended = [one for one in progress if one.status != "starting" and not one.is_baseline and not is_hidden]
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


def metric_tabs(here: Here, plotted: Sequence[str], metric: str | None) -> tuple[Tab, ...]:
    """A place for the objective, where it is known, and for each other metric; none when there is no choice."""
    own = objective_name(here.experiment)
    href = here.url("overview")
    others = [name for name in plotted if name != own]
    places = [*([(own, href)] if own else []), *((name, with_query(href, metric=name)) for name in others)]
    return tuple(Tab(name, address, is_current=name == (metric or own)) for name, address in places)
