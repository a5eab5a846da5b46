"""What a benchmark yields."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number; the note says on what and how it was measured."""

    name: str
    value: float
    unit: str
    note: str = ""
