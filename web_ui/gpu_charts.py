"""What a GPU read over time, as two lines in one small box: load and memory, each from nothing to all of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from store_client import GpuHistory, GpuSample
from web_ui.filters import NOTHING, as_moment, size

WIDTH, HEIGHT, MARGIN = 300, 56, 3
HOT = 100.0
LISTED = 60


@dataclass(frozen=True)
class HistoryRow:
    """One sample in the table behind the lines."""

    at: str
    load: str
    memory: str
    heat: str
    power: str
    jobs: str


@dataclass(frozen=True)
class GpuChart:
    """The lines of one GPU; where nothing was read they have gaps."""

    title: str
    load: str
    memory: str
    heat: str
    """From nothing to a hundred degrees."""
    power: str
    """From nothing to the most that it took."""
    most: str
    """The highest of each point, in words."""
    rows: tuple[HistoryRow, ...]

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True)
class Stretch:
    """The time that the box spans."""

    now: datetime
    minutes: float

    def across(self, at: str) -> float:
        """The horizontal place of a moment."""
        ago = self.now.timestamp() - as_moment(at).timestamp()
        return round((1 - ago / (60 * self.minutes)) * WIDTH, 1)


def gpu_chart(
    history: GpuHistory, total_bytes: int | None, stretch: Stretch, *, is_listed: bool = True
) -> GpuChart | None:
    """The chart of a GPU, with its readings as a table where that is wanted; none while there is nothing to draw."""
    load = [_part(sample.utilisation_percent, 100) for sample in history.samples]
    memory = [_part(sample.memory_used_bytes, total_bytes) for sample in history.samples]
    heat = [_part(sample.temperature_celsius, HOT) for sample in history.samples]
    most_watts = max((sample.power_watts or 0.0 for sample in history.samples), default=0.0)
    power = [_part(sample.power_watts, most_watts) for sample in history.samples]
    places = [stretch.across(sample.at) for sample in history.samples]
    if not any(part is not None for part in (*load, *memory, *heat, *power)):
        return None
    widest = history.seconds_apart / 60 / stretch.minutes * WIDTH * 2.5
    return GpuChart(
        title=f"Load, memory, temperature and power, the last {_words(stretch.minutes)}",
        load=_line(zip(places, load, strict=True), widest),
        memory=_line(zip(places, memory, strict=True), widest),
        heat=_line(zip(places, heat, strict=True), widest),
        power=_line(zip(places, power, strict=True), widest),
        most=_most(history.samples),
        rows=tuple(_rows(history.samples)) if is_listed else (),
    )


def _most(samples: Sequence[GpuSample]) -> str:
    """The highest that was read of each."""
    load = max(
        (sample.utilisation_percent for sample in samples if sample.utilisation_percent is not None), default=None
    )
    memory = max((sample.memory_used_bytes for sample in samples if sample.memory_used_bytes is not None), default=None)
    heat = max(
        (sample.temperature_celsius for sample in samples if sample.temperature_celsius is not None), default=None
    )
    power = max((sample.power_watts for sample in samples if sample.power_watts is not None), default=None)
    found = [_unit(load, "%"), size(memory), _unit(heat, "°C"), _unit(power, "W")]
    return " · ".join(one for one in found if one != NOTHING)


def _part(value: float | None, whole: float | None) -> float | None:
    return None if value is None or not whole else min(max(value / whole, 0.0), 1.0)


def _line(points: Iterable[tuple[float, float | None]], widest: float) -> str:
    """A path through the points; a new one begins behind a gap."""
    path, before = [], float("-inf")
    for x, part in points:
        if part is None:
            continue
        y = HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN)
        if x - before <= widest:
            path.append(f"L{x:.1f} {y:.1f}")
        else:
            path.append(f"M{x:.1f} {y:.1f}h.1")  # a point alone shows, too
        before = x
    return "".join(path)


def _rows(samples: Sequence[GpuSample]) -> Iterator[HistoryRow]:
    for sample in samples[: -LISTED - 1 : -1]:
        yield HistoryRow(
            at=sample.at,
            load=_unit(sample.utilisation_percent, "%"),
            memory=size(sample.memory_used_bytes),
            heat=_unit(sample.temperature_celsius, "°C"),
            power=_unit(sample.power_watts, "W"),
            jobs=", ".join(map(str, sample.jobs)),
        )


def _unit(value: float | None, unit: str) -> str:
    return NOTHING if value is None else f"{value:.0f} {unit}"


def _words(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
