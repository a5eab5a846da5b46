"""Readings of a stretch of time as one sample: load and power on average, memory and heat at most."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Averages:
    """Readings as they come in; one that never came stays unknown."""

    load: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    heat: list[int] = field(default_factory=list)
    power: list[float] = field(default_factory=list)

    def add(self, load: float | None, memory: int | None, heat: int | None, power: float | None) -> None:
        """Add one look; what it did not read is left out."""
        self.load += [] if load is None else [load]
        self.memory += [] if memory is None else [memory]
        self.heat += [] if heat is None else [heat]
        self.power += [] if power is None else [power]

    def sample(self) -> dict[str, Any]:
        """The columns of a sample."""
        return {
            "utilisation_percent": _mean(self.load),
            "memory_used_bytes": max(self.memory, default=None),
            "temperature_celsius": max(self.heat, default=None),
            "power_watts": _mean(self.power),
        }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
