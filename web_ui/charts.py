"""The geometry of charts, drawn by `templates/macros/charts.html`.

Horizontal places are percentages of the plot (0 to 100), vertical ones pixels (0 to the chart's height), so a chart
fills any width without its type growing or shrinking. Every function is pure; values must be finite, and the records
see to it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

from web_ui.filters import Direction, figure
from web_ui.scales import Scale, ticks_of

HEIGHT, TOP, BOTTOM, FOOT = 260, 30, 16, 22
POINTS_DRAWN = 420
ROWS_LISTED = 100
NAME_LENGTH = 22


@dataclass(frozen=True)
class ChartPoint:
    """A variant in the order of trying; without a value it failed."""

    name: str
    href: str
    value: float | None
    note: str = ""
    number: int | None = None
    """Its place on a chart that leaves some out."""

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.name} has no finite value: {self.value}")


@dataclass(frozen=True)
class Tick:
    """A place on a scale and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A drawn point: kind is point, failed, or beyond (past the foot of the scale)."""

    x: float
    y: float
    kind: str
    title: str
    href: str


@dataclass(frozen=True)
class Label:
    """Words beside a place; `anchor` is the text-anchor."""

    x: float
    y: float
    text: str
    anchor: str
    href: str = ""


@dataclass(frozen=True)
class ProgressChart:
    """Scores by variant, with the best so far."""

    title: str
    height: int
    foot: int
    scale_width: int
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    best_line: str
    baseline: Label | None
    best: Label | None
    rows: tuple[ChartPoint, ...]
    count: int
    width: int = 1
    """How many variants in a row are drawn by their lowest, their highest and one that failed."""

    @property
    def view_box(self) -> str:
        """The box all places lie in."""
        return f"0 0 100 {self.height}"

    @property
    def is_dense(self) -> bool:
        """Whether marks must be small to be told apart."""
        return len(self.marks) > 200


def progress_chart(
    points: Sequence[ChartPoint],
    metric: str,
    direction: Direction,
    baseline: float | None = None,
    last: int = 0,
) -> ProgressChart:
    """Scores in the order of trying: points, crosses for failures, the best-so-far line, the best one ringed.

    Points with numbers stand at them, on a scale that ends with `last`.
    """
    if baseline is not None and not math.isfinite(baseline):
        raise ValueError(f"the baseline is not finite: {baseline}")
    scored = [point.value for point in points if point.value is not None]
    scale = Scale.around(_telling_range(scored, baseline, direction), TOP, HEIGHT - BOTTOM, direction)
    y_ticks = tuple(Tick(scale.at(tick.at), tick.label) for tick in ticks_of(scale))
    bests = best_so_far(points, baseline, direction)
    winner = _winner(points, bests)
    count = max(last, len(points))
    places = [across((point.number or order) - 1, count) for order, point in enumerate(points, 1)]
    return ProgressChart(
        title=f"{metric} by variant, best so far",
        height=HEIGHT,
        foot=FOOT,
        scale_width=max([7 * len(tick.label) for tick in y_ticks], default=0) + 2,
        y_ticks=y_ticks,
        x_ticks=_order_ticks(count),
        marks=tuple(_mark(points[i], places[i], scale) for i in kept(points, POINTS_DRAWN)),
        best_line=_step_line(bests, places, scale, 50 / max(count, 1)),
        baseline=_baseline_label(baseline, scale),
        best=None if winner is None else _best_label(points[winner], places[winner], scale),
        rows=tuple(reversed(points))[:ROWS_LISTED],
        count=count,
    )


def best_so_far(
    points: Iterable[ChartPoint],
    baseline: float | None,
    direction: Direction,
) -> tuple[float | None, ...]:
    """After each point the best value up to it, the baseline included; none while nothing is scored."""
    better = max if direction == "maximize" else min

    def step(best: float | None, value: float | None) -> float | None:
        known = [number for number in (best, value) if number is not None]
        return better(known) if known else None

    values = [point.value for point in points]
    return tuple(accumulate([baseline, *values], step))[1:]


def across(place: int, count: int) -> float:
    """The horizontal place of the n-th of so many, half a step in from either edge."""
    return round((place + 0.5) / max(count, 1) * 100, 3)


def kept(points: Sequence[ChartPoint], most: int) -> tuple[int, ...]:
    """The places worth drawing: all of few; of many the lowest, highest and one failure of each stretch."""
    if len(points) <= most:
        return tuple(range(len(points)))
    stretches = most // 3
    edges = [len(points) * edge // stretches for edge in range(stretches + 1)]
    return tuple(sorted(place for start, end in pairwise(edges) for place in _extremes(points, start, end)))


def _extremes(points: Sequence[ChartPoint], start: int, end: int) -> set[int]:
    scored = [(value, i) for i in range(start, end) if (value := points[i].value) is not None]
    failed = [i for i in range(start, end) if points[i].value is None]
    return {min(scored)[1], max(scored)[1], *failed[:1]} if scored else set(failed[:1])


def _telling_range(values: Sequence[float], baseline: float | None, direction: Direction) -> tuple[float, float]:
    """The values worth a place on the scale: a few far on the wrong side do not flatten the rest."""
    known = [*values, *([] if baseline is None else [baseline])]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if len(values) < 8:
        return low, high
    ordered = sorted(values)
    first, third = ordered[len(ordered) // 4], ordered[len(ordered) * 3 // 4]
    reach = min(2 * (third / 2 - first / 2), high / 2 - low / 2) * 2
    if direction == "maximize":
        return min(max(low, first - reach), high if baseline is None else baseline), high
    return low, max(min(high, third + reach), low if baseline is None else baseline)


def _mark(point: ChartPoint, x: float, scale: Scale) -> Mark:
    if point.value is None:
        return Mark(x, scale.foot, "failed", f"{point.name}: failed", point.href)
    kind = "point" if scale.holds(point.value) else "beyond"
    return Mark(x, scale.at(point.value), kind, f"{point.name}: {figure(point.value)}", point.href)


def _step_line(bests: Sequence[float | None], places: Sequence[float], scale: Scale, half: float) -> str:
    """The path of the best so far: across at each level, straight to the next; it begins half a step early."""
    path, level = "", None
    for place, best in zip(places, bests, strict=True):
        if best is None or best == level:
            continue
        x = place if level is not None else max(place - half, 0)
        path += f"{'M' if level is None else 'H'}{x:.3f}{' ' if level is None else 'V'}{scale.at(best):.2f}"
        level = best
    return f"{path}H100" if path else ""


def _winner(points: Sequence[ChartPoint], bests: Sequence[float | None]) -> int | None:
    """The first point that reached the best value; none when only the baseline holds it."""
    return next((i for i, point in enumerate(points) if point.value is not None and point.value == bests[-1]), None)


def _best_label(point: ChartPoint, x: float, scale: Scale) -> Label:
    name = point.name if len(point.name) <= NAME_LENGTH else point.name[: NAME_LENGTH - 1] + "…"
    anchor = "end" if x > 60 else "start" if x < 40 else "middle"
    return Label(x, scale.at(point.value or 0.0), f"{name} {figure(point.value)}", anchor, point.href)


def _baseline_label(baseline: float | None, scale: Scale) -> Label | None:
    return None if baseline is None else Label(100, scale.at(baseline), f"baseline {figure(baseline)}", "end")


def _order_ticks(count: int) -> tuple[Tick, ...]:
    step = next((s for power in range(9) for s in (10**power, 2 * 10**power, 5 * 10**power) if count / s <= 6), count)
    return tuple(Tick(across(n - 1, count), f"{n:,}") for n in range(step, count + 1, max(step, 1)))


@dataclass(frozen=True)
class Sample:
    """A value at a moment."""

    at: datetime
    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"not finite: {self.value}")


@dataclass(frozen=True)
class HistoryChart:
    """A quantity over time, as a line."""

    title: str
    height: int
    foot: int
    scale_width: int
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    path: str
    last: Label
    rows: tuple[Sample, ...]

    @property
    def view_box(self) -> str:
        """The box all places lie in."""
        return f"0 0 100 {self.height}"


def history_chart(samples: Sequence[Sample], title: str, unit: str = "", height: int = 160) -> HistoryChart | None:
    """A line through samples in the order of time; none for no samples."""
    if not samples:
        return None
    start, span = samples[0].at, (samples[-1].at - samples[0].at).total_seconds()
    values = [sample.value for sample in samples]
    scale = Scale.around((min(values), max(values)), 12, height - 8, "maximize")
    places = [
        (round((s.at - start).total_seconds() / span * 100, 3) if span else 50.0, scale.at(s.value)) for s in samples
    ]
    shown = places[:: max(len(places) // 750, 1)]
    y_ticks = tuple(Tick(scale.at(tick.at), tick.label) for tick in ticks_of(scale, 3))
    return HistoryChart(
        title=title,
        height=height,
        foot=FOOT,
        scale_width=max([7 * len(tick.label) for tick in y_ticks], default=0) + 2,
        y_ticks=y_ticks,
        x_ticks=(Tick(0, f"{start:%H:%M}"), Tick(100, f"{samples[-1].at:%H:%M}")),
        path="M" + "L".join(f"{x:.3f} {y:.2f}" for x, y in shown),
        last=Label(*places[-1], f"{figure(values[-1], 3)} {unit}".strip(), "end"),
        rows=tuple(reversed(samples))[:ROWS_LISTED],
    )
