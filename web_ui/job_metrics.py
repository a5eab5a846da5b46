"""What a job reported, as lines with their tables, and how far it is."""

import math
from dataclasses import dataclass

from store_client import JobDetail, JobMetrics, MetricSeries
from web_ui.filters import Moment, figure
from web_ui.sparklines import Sparkline, sparkline

MOST_METRICS = 24
MOST_ROWS = 50
POINTS = 120


@dataclass(frozen=True)
class MetricRow:
    """One reported value."""

    step: str
    value: float
    at: Moment | None


@dataclass(frozen=True)
class MetricCard:
    """One metric: its newest value, its course, and the newest values behind it."""

    name: str
    value: float
    line: Sparkline | None
    rows: tuple[MetricRow, ...]
    count: int


@dataclass(frozen=True)
class ProgressLine:
    """How far a job says it is."""

    fraction: float | None
    text: str
    at: Moment


def metric_cards(found: JobMetrics) -> tuple[MetricCard, ...]:
    """A card for each metric that has a finite value."""
    return tuple(card for series in found.series[:MOST_METRICS] if (card := _card(series)) is not None)


def _card(series: MetricSeries) -> MetricCard | None:
    points = [point for point in series.points if math.isfinite(point.value)]
    if not points:
        return None
    rows = (
        MetricRow(_count(point.step) if point.step is not None else "", point.value, point.at)
        for point in reversed(points[-MOST_ROWS:])
    )
    line = sparkline([point.value for point in points], f"{series.name}, {len(points)} values")
    return MetricCard(series.name, points[-1].value, line, tuple(rows), len(points))


def progress_line(job: JobDetail) -> ProgressLine | None:
    """What a job last said of itself; none where it said nothing."""
    said = job.progress
    if said is None:
        return None
    steps = f"step {_count(said.step)}" if said.step is not None else ""
    steps += f" of {_count(said.steps)}" if steps and said.steps is not None else ""
    percent = f"{100 * said.fraction:.0f} %" if said.fraction is not None else ""
    return ProgressLine(said.fraction, " · ".join(one for one in (percent, steps, said.message or "") if one), said.at)


def _count(value: float) -> str:
    """A number that mostly counts something."""
    return figure(int(value)) if value.is_integer() else figure(value, 3)
