"""Courses in a bounded number of stretches: of each the lowest variant, the highest, and one without a value.

Stretches are as many numbers wide as a power of two, so that two of them make one of the next width. Merging keeps
extremes in whichever order variants end.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 128
"""So many stretches a course has at most."""
WORD_LENGTH = 200
STEPS = 48
"""So many steps of the best a list of experiments draws at most."""


@dataclass(frozen=True)
class Mark:
    """A variant on a course; without a value it failed, and `status` says how."""

    number: int
    variant_id: str
    label: str
    value: float | None = None
    status: str = "success"

    @classmethod
    def read(cls, kept: list[Any] | None) -> "Mark | None":
        return None if kept is None else cls(*kept)

    def written(self) -> list[Any]:
        return [self.number, self.variant_id, self.label, self.value, self.status]


@dataclass(frozen=True)
class Stretch:
    """What a course keeps of some neighbouring variants."""

    low: Mark | None = None
    high: Mark | None = None
    failed: Mark | None = None

    @classmethod
    def of(cls, mark: Mark) -> "Stretch":
        return cls(failed=mark) if mark.value is None else cls(low=mark, high=mark)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Each variant of it once, by number."""
        kept = {mark.number: mark for mark in (self.failed, self.low, self.high) if mark is not None}
        return tuple(kept[number] for number in sorted(kept))


def merged(one: Stretch, other: Stretch) -> Stretch:
    """Both stretches as one; of equals the one with the lower number stands."""
    return Stretch(
        low=_first(one.low, other.low, lambda mark: (mark.value or 0.0, mark.number)),
        high=_first(one.high, other.high, lambda mark: (-(mark.value or 0.0), mark.number)),
        failed=_first(one.failed, other.failed, lambda mark: (0.0, mark.number)),
    )


def width_for(number: int) -> int:
    """How wide stretches have to be for this many variants."""
    return 1 << max(math.ceil(number / MOST) - 1, 0).bit_length()


def place(number: int, width: int) -> int:
    """The stretch that a variant is in."""
    return (number - 1) // width


def widened(stretches: Mapping[int, Stretch], by: int) -> dict[int, Stretch]:
    """The same course of stretches that are so many times as wide."""
    found: dict[int, Stretch] = {}
    for old, stretch in stretches.items():
        found[old // by] = merged(found.get(old // by, Stretch()), stretch)
    return found


def course_of(marks: Iterable[Mark], width: int) -> dict[int, Stretch]:
    """The course of these variants."""
    found: dict[int, Stretch] = {}
    for mark in marks:
        at = place(mark.number, width)
        found[at] = merged(found.get(at, Stretch()), Stretch.of(mark))
    return found


def sampled(courses: Mapping[str, Sequence[Mark]], most: int) -> list[int]:
    """The numbers of so many variants on these courses: the extremes of each, and the rest evenly apart."""
    kept = {
        mark.number
        for marks in courses.values()
        if marks
        for mark in (min(marks, key=_value), max(marks, key=_value), marks[-1])
    }
    rest = sorted({mark.number for marks in courses.values() for mark in marks} - kept)
    room = max(most - len(kept), 0)
    step = max(math.ceil(len(rest) / room), 1) if room else len(rest) + 1
    return sorted([*kept, *rest[::step]])


def _value(mark: Mark) -> float:
    return mark.value or 0.0


def thinned(steps: list[list[float]]) -> list[list[float]]:
    """The steps of the best, every other left out when there are too many; the first and the last stay."""
    return steps if len(steps) <= STEPS else [*steps[:-1:2], steps[-1]]


def number_in(value: Any) -> float | None:
    """What was measured as a finite number; none for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def word_in(value: Any) -> str | None:
    """The beginning of what was measured as a text."""
    return value[:WORD_LENGTH].replace("\x00", "").encode(errors="replace").decode() if isinstance(value, str) else None


def _first(one: Mark | None, other: Mark | None, key: Callable[[Mark], tuple[float, int]]) -> Mark | None:
    return min((mark for mark in (one, other) if mark is not None), key=key, default=None)
