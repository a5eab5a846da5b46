"""Lines in which commands report: what they may say, what of it is the newest, and how long series become short."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

LONGEST_LINE = 16 * 1024
LONGEST_MESSAGE = 500
LONGEST_NAME = 100
MOST_METRICS = 100
LARGEST = 1e300


@dataclass(frozen=True)
class Said:
    """What one line says, or all lines so far; the parts left out are None."""

    step: float | None = None
    steps: float | None = None
    fraction: float | None = None
    message: str | None = None
    at: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)

    def then(self, later: "Said") -> "Said":
        """What was said up to now and later: of each part the newest."""
        parts = {name: getattr(later, name) for name in ("step", "steps", "fraction", "message", "at")}
        given = {name: part for name, part in parts.items() if part is not None}
        metrics = {**self.metrics, **later.metrics}
        if later.step is not None and later.fraction is None:
            given["fraction"] = None  # it would be that of an earlier step
        return replace(self, **given, metrics=dict(list(metrics.items())[:MOST_METRICS]))

    @property
    def done(self) -> float | None:
        """How much of the work is done, 0 to 1."""
        if self.fraction is not None or self.step is None or not self.steps:
            return self.fraction
        return min(max(self.step / self.steps, 0.0), 1.0)

    def to_wire(self) -> dict[str, Any]:
        """As `Progress` has it, but for its time."""
        parts = {"fraction": self.done, "step": self.step, "steps": self.steps, "message": self.message}
        return {name: part for name, part in parts.items() if part is not None} | {"metrics": self.metrics}


def parse(line: bytes) -> Said | None:
    """What a line says; None for one that says nothing in the agreed form. Metrics that are no finite number go."""
    value = _object(line)
    metrics, message = value.get("metrics", {}), value.get("message")
    numbers = {name: value.get(name) for name in ("step", "steps", "fraction", "at")}
    is_agreed = bool(value) and isinstance(metrics, dict) and isinstance(message, str | None)
    if not is_agreed or not all(number is None or _is_number(number) for number in numbers.values()):
        return None
    if numbers["fraction"] is not None and not 0 <= numbers["fraction"] <= 1:
        return None
    kept = {name[:LONGEST_NAME]: float(metric) for name, metric in metrics.items() if _is_number(metric)}
    short = message[:LONGEST_MESSAGE] if message is not None else None
    return Said(**numbers, message=short, metrics=dict(list(kept.items())[:MOST_METRICS]))


def _object(line: bytes) -> dict[str, Any]:
    """The JSON object that a line is; an empty one when it is something else."""
    try:
        value = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


@dataclass(frozen=True)
class Point:
    """One value of a metric."""

    step: float | None
    at: float | None
    value: float


def thin(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many of the points: of each stretch its least and its greatest value, so that no peak is lost."""
    if len(points) <= most:
        return list(points)
    stretches = max(most // 2, 1)
    kept: list[Point] = []
    for number in range(stretches):
        start, stop = number * len(points) // stretches, (number + 1) * len(points) // stretches
        values = range(start, stop)
        least = min(values, key=lambda index: points[index].value)
        greatest = max(values, key=lambda index: points[index].value)
        kept += [points[index] for index in sorted({least, greatest})]
    return kept
