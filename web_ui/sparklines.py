"""The course of the best in a box of 96 by 24, beside a name in a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from web_ui.scales import Scale

LEFT, WIDE = 2, 92


@dataclass(frozen=True)
class Sparkline:
    """A step line, and where it ends."""

    path: str
    end_y: float
    title: str


def sparkline(values: Sequence[float], title: str = "", places: Sequence[float] = ()) -> Sparkline | None:
    """A step line of finite values, at places from 0 to 1 or at even ones; none for no values."""
    if not values:
        return None
    if not all(map(math.isfinite, values)):
        raise ValueError("a sparkline needs finite values")
    scale = Scale.around((min(values), max(values)), 3, 21, "maximize", margin=0)
    stands = places or [place / len(values) for place in range(len(values))]
    levels = [scale.at(value) for value in values]
    steps = "".join(f"H{LEFT + WIDE * at:.2f}V{level:.2f}" for at, level in list(zip(stands, levels, strict=True))[1:])
    return Sparkline(f"M{LEFT} {levels[0]:.2f}{steps}H94", levels[-1], title)
