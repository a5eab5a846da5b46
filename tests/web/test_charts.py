"""Charts stay inside their box and tell the truth, whatever finite numbers they get."""

import math
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_ui.charts import (
    POINTS_DRAWN,
    ROWS_LISTED,
    ChartPoint,
    ProgressChart,
    Sample,
    best_so_far,
    history_chart,
    kept,
    progress_chart,
)
from web_ui.filters import Direction
from web_ui.scales import Scale, ticks_of
from web_ui.sparklines import sparkline

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCORES = st.lists(st.none() | FINITE, max_size=60)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(("maximize", "minimize"))


def points(values: list[float | None]) -> tuple[ChartPoint, ...]:
    return tuple(ChartPoint(f"v{n}", f"/v/{n}", value) for n, value in enumerate(values))


def places(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", path)]


def levels(chart: ProgressChart) -> list[float]:
    """The heights the best line visits, in order."""
    start = re.findall(r"M\S+ (\S+?)H", chart.best_line)
    return [float(level) for level in [*start, *re.findall(r"V([\d.]+)", chart.best_line)]]


def is_inside(chart: ProgressChart, x: float, y: float) -> bool:
    return math.isfinite(x) and math.isfinite(y) and 0 <= x <= 100 and 0 <= y <= chart.height


@given(SCORES, DIRECTIONS, st.none() | FINITE)
def test_every_place_is_finite_and_inside_the_box(
    values: list[float | None], direction: Direction, baseline: float | None
) -> None:
    chart = progress_chart(points(values), "accuracy", direction, baseline)
    labels = [label for label in (chart.best, chart.baseline) if label]
    assert all(is_inside(chart, mark.x, mark.y) for mark in chart.marks)
    assert all(is_inside(chart, label.x, label.y) for label in labels)
    assert all(is_inside(chart, 0, tick.at) for tick in chart.y_ticks)
    assert all(is_inside(chart, tick.at, 0) for tick in chart.x_ticks)
    assert all(0 <= number <= max(chart.height, 100) for number in places(chart.best_line))


@given(SCORES, DIRECTIONS, st.none() | FINITE)
def test_the_best_line_only_ever_rises_and_ends_at_the_best(
    values: list[float | None], direction: Direction, baseline: float | None
) -> None:
    chart = progress_chart(points(values), "accuracy", direction, baseline)
    heights = levels(chart)
    assert all(later <= earlier for earlier, later in pairwise(heights))
    if chart.best:
        assert heights[-1] == chart.best.y


@given(SCORES, DIRECTIONS, st.none() | FINITE)
def test_the_best_so_far_is_the_best_of_each_beginning(
    values: list[float | None], direction: Direction, baseline: float | None
) -> None:
    better = max if direction == "maximize" else min
    for end, best in enumerate(best_so_far(points(values), baseline, direction), 1):
        known = [value for value in [baseline, *values[:end]] if value is not None]
        assert best == (better(known) if known else None)


def test_better_is_up_in_either_direction() -> None:
    for direction, better in (("maximize", 2.0), ("minimize", 1.0)):
        chart = progress_chart(points([1.0, 2.0]), "loss", "maximize" if direction == "maximize" else "minimize")
        highest = min(chart.marks, key=lambda mark: mark.y)
        assert highest.title.endswith(f"{better:.4f}")


def test_the_first_variant_to_reach_the_best_is_named() -> None:
    chart = progress_chart(points([0.9, 0.98, 0.98]), "accuracy", "maximize", 0.95)
    assert chart.best is not None
    assert (chart.best.text, chart.best.href) == ("v1 0.9800", "/v/1")


def test_nothing_is_ringed_while_only_the_baseline_holds_the_best() -> None:
    assert progress_chart(points([0.9, None]), "accuracy", "maximize", 0.95).best is None


def test_a_failure_is_a_cross_at_the_foot_and_never_a_score() -> None:
    (cross,) = progress_chart(points([None]), "accuracy", "maximize").marks
    assert (cross.kind, cross.title, cross.href) == ("failed", "v0: failed", "/v/0")


@pytest.mark.parametrize("values", [[], [0.5], [0.5] * 9, [0.0] * 9, [1e308, -1e308], [5e-324, 0.0]])
def test_few_or_equal_or_extreme_values_still_make_a_chart(values: list[float | None]) -> None:
    chart = progress_chart(points(values), "accuracy", "maximize")
    assert len(chart.marks) == len(values)
    assert len({tick.label for tick in chart.y_ticks}) == len(chart.y_ticks) >= 2


def test_one_wild_failure_to_learn_does_not_flatten_the_rest() -> None:
    good: list[float | None] = [0.95 + n / 1000 for n in range(20)]
    chart = progress_chart(points([*good, 0.01]), "accuracy", "maximize", 0.94)
    assert [mark.kind for mark in chart.marks].count("beyond") == 1
    assert chart.marks[0].y - chart.marks[19].y > chart.height / 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_at_the_door(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ChartPoint("v", "/v", value)
    with pytest.raises(ValueError, match="finite"):
        progress_chart((), "accuracy", "maximize", value)
    with pytest.raises(ValueError, match="finite"):
        sparkline([0.1, value])
    with pytest.raises(ValueError, match="finite"):
        Sample(datetime(2025, 1, 1, tzinfo=UTC), value)


@given(SCORES, st.integers(min_value=3, max_value=60))
def test_of_many_points_the_extremes_and_the_order_are_kept(values: list[float | None], most: int) -> None:
    drawn = kept(points(values), most)
    scored = [value for value in values if value is not None]
    assert len(drawn) <= most
    assert list(drawn) == sorted(set(drawn))
    if scored:
        shown = {values[place] for place in drawn}
        assert {max(scored), min(scored)} <= shown


def test_the_line_of_many_points_misses_no_improvement() -> None:
    values: list[float | None] = [math.sqrt(n) + n % 7 for n in range(20_000)]
    chart = progress_chart(points(values), "accuracy", "maximize")
    assert len(chart.marks) <= POINTS_DRAWN
    assert chart.is_dense
    assert chart.count == len(values)
    assert chart.rows[0].name == "v19999"
    assert len(chart.rows) == ROWS_LISTED
    assert chart.best is not None
    assert levels(chart)[-1] == chart.best.y


@given(FINITE, FINITE)
def test_ticks_are_few_distinct_and_within_their_scale(one: float, other: float) -> None:
    scale = Scale.around((min(one, other), max(one, other)), 0, 100, "maximize")
    ticks = ticks_of(scale)
    assert 1 <= len(ticks) <= 11
    assert all(scale.low - abs(scale.low) * 1e-9 <= tick.at <= scale.high + abs(scale.high) * 1e-9 for tick in ticks)


def test_ticks_are_round() -> None:
    assert [tick.label for tick in ticks_of(Scale(0.925, 0.985, 0, 100))] == ["0.94", "0.96", "0.98"]
    assert [tick.label for tick in ticks_of(Scale(0, 12_000, 0, 100))] == ["0", "2,500", "5,000", "7,500", "10,000"]
    assert ticks_of(Scale(-0.1, 0.1, 0, 100))[0].label.startswith("\N{MINUS SIGN}0.1")


@given(st.lists(FINITE, max_size=40))
def test_a_sparkline_stays_in_its_box(values: list[float]) -> None:
    line = sparkline(values, "best so far")
    if not values:
        assert line is None
        return
    assert line is not None
    assert all(0 <= number <= 96 for number in places(line.path))
    assert 0 <= line.end_y <= 24


@given(st.lists(FINITE, min_size=1, max_size=40), st.integers(min_value=0, max_value=90))
def test_a_history_stays_in_its_box(values: list[float], seconds_apart: int) -> None:
    start = datetime(2025, 11, 21, 8, tzinfo=UTC)
    samples = [Sample(start + timedelta(seconds=seconds_apart * n), value) for n, value in enumerate(values)]
    chart = history_chart(samples, "GPU use", "%")
    assert chart is not None
    assert all(0 <= number <= max(chart.height, 100) for number in places(chart.path))
    assert chart.rows[0] == samples[-1]


def test_no_samples_make_no_history() -> None:
    assert history_chart([], "GPU use") is None
