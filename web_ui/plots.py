"""The geometry of metric plots: one metric against another, and all of them beside each other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from web_ui.charts import FOOT, HEIGHT, Mark, Tick
from web_ui.filters import figure
from web_ui.scales import Scale, ticks_of

TOP, BOTTOM = 12, 12
EDGE = 4.0
CLASSES = 5


@dataclass(frozen=True)
class Measured:
    """A variant with its numbers; `rank` is 0 for the best fifth to 4 for the worst, none without a score."""

    name: str
    href: str
    number: int
    values: Mapping[str, float]
    rank: int | None


@dataclass(frozen=True)
class Scatter:
    """One quantity against another."""

    title: str
    x_name: str
    y_name: str
    height: int
    foot: int
    scale_width: int
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]

    @property
    def is_dense(self) -> bool:
        """Whether marks must be small to be told apart."""
        return len(self.marks) > 200


@dataclass(frozen=True)
class Axis:
    """One metric of a parallel plot: where it stands, and its ends."""

    name: str
    x: float
    anchor: str
    high: str
    low: str


@dataclass(frozen=True)
class Line:
    """A variant across the axes that it has values for."""

    path: str
    title: str
    href: str
    rank: int | None


@dataclass(frozen=True)
class Parallel:
    """Every metric beside the others, a line for each variant."""

    title: str
    height: int
    foot: int
    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]

    @property
    def view_box(self) -> str:
        """The box all places lie in."""
        return f"0 0 100 {self.height}"


def scatter(variants: Sequence[Measured], x_name: str, y_name: str) -> Scatter | None:
    """Variants that have both values; `x_name` is empty for the number of the variant."""
    both = [(value, each) for each in variants if (value := _pair(each, x_name, y_name)) is not None]
    if not both:
        return None
    xs, ys = [x for (x, _), _ in both], [y for (_, y), _ in both]
    across = Scale.around((min(xs), max(xs)), 0, 100, "maximize")
    upward = Scale.around((min(ys), max(ys)), TOP, HEIGHT - BOTTOM, "maximize")
    y_ticks = tuple(Tick(upward.at(tick.at), tick.label) for tick in ticks_of(upward))
    told = x_name or "variant"
    return Scatter(
        title=f"{y_name} against {x_name}" if x_name else f"{y_name} by variant",
        x_name=told,
        y_name=y_name,
        height=HEIGHT,
        foot=FOOT + 16,
        scale_width=max([7 * len(tick.label) for tick in y_ticks], default=0) + 2,
        y_ticks=y_ticks,
        x_ticks=_x_ticks(across, is_number=not x_name),
        marks=tuple(
            Mark(round(across.share(x) * 100, 2), upward.at(y), "point", _title(each, x_name, y_name), each.href)
            for (x, y), each in both
        ),
    )


def _x_ticks(across: Scale, is_number: bool) -> tuple[Tick, ...]:
    """Places across the plot; there is no half of a variant."""
    ticks = [tick for tick in ticks_of(across) if not is_number or tick.at == round(tick.at)]
    label = "{:,.0f}".format if is_number else None
    return tuple(Tick(round(across.share(one.at) * 100, 2), label(one.at) if label else one.label) for one in ticks)


def parallel(variants: Sequence[Measured], metrics: Sequence[str], most: int) -> Parallel | None:
    """A line for each of so many variants across at least two metrics, the best ones drawn last."""
    scales = {name: scale for name in metrics if (scale := _scale(variants, name)) is not None}
    if len(scales) < 2:
        return None
    names = tuple(scales)
    places = {name: EDGE + (100 - 2 * EDGE) * at / (len(names) - 1) for at, name in enumerate(names)}
    step = max(math.ceil(len(variants) / most), 1)
    chosen = [each for at, each in enumerate(variants) if at % step == 0 or each.rank == 0][-2 * most :]
    chosen.sort(key=lambda each: -CLASSES if each.rank is None else -each.rank)
    lines = (_line(each, scales, places) for each in chosen)
    return Parallel(
        title="All metrics side by side",
        height=HEIGHT,
        foot=FOOT,
        axes=tuple(_axis(name, places[name], scales[name]) for name in names),
        lines=tuple(line for line in lines if line is not None),
    )


def ranks(scores: Sequence[float | None], *, is_minimised: bool) -> tuple[int | None, ...]:
    """The fifth that each score is in, the best first."""
    ordered = sorted((score for score in scores if score is not None), reverse=not is_minimised)
    places: dict[float, int] = {}
    for at, score in enumerate(ordered):
        places.setdefault(score, at * CLASSES // len(ordered))
    return tuple(None if score is None else places[score] for score in scores)


def _pair(each: Measured, x_name: str, y_name: str) -> tuple[float, float] | None:
    x = each.values.get(x_name) if x_name else float(each.number)
    y = each.values.get(y_name)
    return None if x is None or y is None else (x, y)


def _title(each: Measured, x_name: str, y_name: str) -> str:
    first = f"{x_name} {figure(each.values[x_name])}, " if x_name else ""
    return f"{each.name}: {first}{y_name} {figure(each.values[y_name])}"


def _scale(variants: Sequence[Measured], name: str) -> Scale | None:
    values = [each.values[name] for each in variants if name in each.values]
    return Scale.around((min(values), max(values)), TOP, HEIGHT - BOTTOM, "maximize", margin=0) if values else None


def _axis(name: str, x: float, scale: Scale) -> Axis:
    anchor = "start" if x <= EDGE else "end" if x >= 100 - EDGE else "middle"
    return Axis(name, round(x, 2), anchor, figure(scale.high, 4), figure(scale.low, 4))


def _line(each: Measured, scales: Mapping[str, Scale], places: Mapping[str, float]) -> Line | None:
    points = [(places[name], scale.at(each.values[name])) for name, scale in scales.items() if name in each.values]
    if len(points) < 2:
        return None
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return Line(
        path, f"{each.name}: {', '.join(f'{n} {figure(v, 4)}' for n, v in each.values.items())}", each.href, each.rank
    )
