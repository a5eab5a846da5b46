"""Vertical scales: from values to pixels, with round ticks, safe for every finite number."""

import math
from dataclasses import dataclass
from functools import cached_property

from web_ui.filters import MINUS, Direction

SAME = 1e-12


@dataclass(frozen=True)
class RoundNumber:
    """A round value on a scale and how it reads."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` between `head` (the higher value) and `foot`; values past either edge stand on it."""

    low: float
    high: float
    head: float
    foot: float
    sinks: bool = False

    @classmethod
    def around(
        cls,
        values: tuple[float, float],
        head: float,
        foot: float,
        direction: Direction,
        margin: float = 0.06,
    ) -> "Scale":
        """A scale around a range with a little room on both sides; better values are always higher up."""
        low, high = values
        span = high / 2 - low / 2
        if span <= max(abs(low), abs(high)) * SAME:
            span = abs(high) * 0.05 or 0.5
        room = span * 2 * margin if margin else 0.0
        return cls(_finite(low - room), _finite(high + room), head, foot, sinks=direction == "minimize")

    @cached_property
    def _unit(self) -> tuple[float, float, float]:
        """The largest size in the range, and its low end and span in that unit, where nothing overflows."""
        largest = max(abs(self.low), abs(self.high), 5e-324)
        return largest, self.low / largest, self.high / largest - self.low / largest

    def share(self, value: float) -> float:
        """How far up the range a value is, 0 to 1."""
        largest, low, span = self._unit
        if span <= SAME:
            return 0.5
        return min(max((_finite(value) / largest - low) / span, 0.0), 1.0)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        up = 1 - self.share(value) if self.sinks else self.share(value)
        return round(self.foot - up * (self.foot - self.head), 2)

    def holds(self, value: float) -> bool:
        """Whether a value is within the range."""
        return self.low <= value <= self.high


def _finite(value: float) -> float:
    return min(max(value, -1.7e308), 1.7e308)


def ticks_of(scale: Scale, about: int = 5) -> tuple[RoundNumber, ...]:
    """Round values within a scale, all with the same number of decimals."""
    span = scale.high - scale.low
    if not math.isfinite(span) or span < 1e-300:
        return tuple(RoundNumber(value, f"{value:.3g}".replace("-", MINUS, 1)) for value in (scale.low, scale.high))
    step = _round_step(span / about)
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    if abs(first) > 1e15 or abs(last) > 1e15:
        return (RoundNumber(scale.low, f"{scale.low:.6g}"),)
    return tuple(RoundNumber(n * step, _label(n * step, step)) for n in range(first, last + 1))


def _round_step(rough: float) -> float:
    power = float(10 ** math.floor(math.log10(rough)))
    return next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)


def _label(value: float, step: float) -> str:
    if value != 0 and (abs(value) >= 1e9 or step < 1e-7):
        return f"{value:.3g}".replace("-", MINUS, 1)
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    if decimals and round(step * 10**decimals, 6) % 1:
        decimals += 1
    return f"{value + 0.0:,.{decimals}f}".replace("-", MINUS, 1)
