"""The plot of the overview: scores in the order of trying, by the objective or by another metric."""

from collections.abc import Sequence
from dataclasses import replace

from store_client import Course, CoursePoint, ExperimentDetail
from web_ui.active import Here
from web_ui.charts import ChartPoint, ProgressChart, progress_chart
from web_ui.filters import with_query
from web_ui.scores import is_untold, objective_name
from web_ui.templating import Tab

UNPLOTTED = {"text"}
ID = "__id__"


def chosen_metric(here: Here, plotted: Sequence[str]) -> str | None:
    """The metric that the plot shows instead of the objective: the address names it, or nobody knows the objective."""
    asked = here.visit.request.query_params.get("metric")
    if asked in plotted and asked != here.experiment.metric:
        return asked
    return next(iter(plotted), None) if is_untold(here.experiment) else None


def plotted(detail: ExperimentDetail, course: Course) -> tuple[str, ...]:
    """The metrics that are numbers; where the schema is not known, those that were numbers so far."""
    if detail.evaluation_schema:
        return tuple(name for name, kind in detail.evaluation_schema.items() if kind not in UNPLOTTED)
    return course.metrics


def chart(here: Here, course: Course) -> ProgressChart:
    """Scores in the order of trying; variants still under way are left out."""
    one, metric = here.experiment, course.metric
    told = () if metric is None and is_untold(one) else course.points
    before, after = here.url("variant", variant=ID).split(ID)  # looked up once for hundreds
    points = [
        ChartPoint(point.label, f"{before}{point.variant_id}{after}", number(point), note_of(point), point.number)
        for point in told
    ]
    last = course.last if told else 0
    if metric is None:
        drawn = progress_chart(points, objective_name(one), one.objective.direction, one.baseline, last)
        return replace(drawn, width=course.width)
    baseline = None if course.baseline is None else float(course.baseline)
    # Which way another metric is better nobody has said, so no value of it is called the best.
    drawn = progress_chart(points, metric, "maximize", baseline, last)
    return replace(drawn, title=f"{metric} by variant", best_line="", best=None, width=course.width)


def number(point: CoursePoint) -> float | None:
    """A point's place on the plot; none for a failure."""
    return None if point.value is None else float(point.value)


def note_of(point: CoursePoint) -> str:
    """How a variant without a score ended."""
    return {"error": "failed", "evaluation_error": "could not be evaluated"}.get(point.status, "")


def metric_tabs(here: Here, plotted: Sequence[str], metric: str | None) -> tuple[Tab, ...]:
    """A place for the objective, where it is known, and for each other metric; none when there is no choice."""
    own = objective_name(here.experiment)
    href = here.url("overview")
    others = [name for name in plotted if name != own]
    places = [*([(own, href)] if own else []), *((name, with_query(href, metric=name)) for name in others)]
    return tuple(Tab(name, address, is_current=name == (metric or own)) for name, address in places)
