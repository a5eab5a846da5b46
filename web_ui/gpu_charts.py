"""What a GPU read over time, as two lines in one small box: load and memory, each from nothing to all of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from store_client import GpuHistory, GpuSample
from web_ui.filters import NOTHING, as_moment, size

WIDTH, HEIGHT, MARGIN = 300, 56, 3
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
        since = self.now - timedelta(minutes=self.minutes)
        return round((as_moment(at) - since) / timedelta(minutes=self.minutes) * WIDTH, 1)


def gpu_chart(history: GpuHistory, total_bytes: int | None, stretch: Stretch) -> GpuChart | None:
    """The chart of a GPU; none while there is nothing to draw."""
    load = [_part(sample.utilisation_percent, 100) for sample in history.samples]
    memory = [_part(sample.memory_used_bytes, total_bytes) for sample in history.samples]
    places = [stretch.across(sample.at) for sample in history.samples]
    if not any(part is not None for part in (*load, *memory)):
        return None
    widest = history.seconds_apart / 60 / stretch.minutes * WIDTH * 2.5
    return GpuChart(
        title=f"Load and memory, the last {_words(stretch.minutes)}",
        load=_line(zip(places, load, strict=True), widest),
        memory=_line(zip(places, memory, strict=True), widest),
        rows=tuple(_rows(history.samples)),
    )


def _part(value: float | None, whole: float | None) -> float | None:
    return None if value is None or not whole else min(max(value / whole, 0.0), 1.0)


def _line(points: Iterable[tuple[float, float | None]], widest: float) -> str:
    """A path through the points; a new one begins behind a gap."""
    path, before = "", float("-inf")
    for x, part in points:
        if part is None:
            continue
        y = HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN)
        path += f"{'L' if x - before <= widest else 'M'}{x:.1f} {y:.1f}"
        if x - before > widest:
            path += "h.1"  # a point alone shows, too
        before = x
    return path


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
