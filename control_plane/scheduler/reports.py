"""What lies in the files of a job beside its log: the metrics it reported, and the checkpoints it keeps."""

from datetime import UTC, datetime
from pathlib import Path

from control_plane.scheduler.keeping import Keeping, files
from control_plane.scheduler.logs import LogFile
from control_plane.scheduler.rules.progress import Point, parse, thin
from store_client.wire.calls.reports import MetricsQuery
from store_client.wire.reports import JobCheckpoint, JobCheckpoints, JobMetrics, MetricPoint, MetricSeries
from store_client.wire.scalars import format_time

MOST_BYTES = 16 * 1024 * 1024
MOST_SERIES = 100
MOST_LISTED = 1000
LATEST = 253_402_300_799.0
"""The last second that the wire can spell."""


def metrics(reports: LogFile, query: MetricsQuery) -> JobMetrics:
    """Each metric over what was reported after an offset: whole lines, of a long series its extremes."""
    lines, following, is_end = _lines(reports.path, query.after)
    said = [each for each in map(parse, lines) if each is not None]
    series: dict[str, list[Point]] = {}
    for each in said:
        for name, value in each.metrics.items():
            if name in series or len(series) < MOST_SERIES:
                series.setdefault(name, []).append(Point(each.step, each.at, value))
    return JobMetrics(
        attempt=reports.attempt,
        series=tuple(MetricSeries(name=name, points=_points(thin(series[name], query.points))) for name in series),
        next=following,
        is_complete=reports.is_complete and is_end,
        passed_over=len(lines) - len(said),
    )


def checkpoints(folder: Path, keeping: Keeping) -> JobCheckpoints:
    """What a job keeps for its next attempt, the newest first."""
    kept = sorted(files(folder), key=lambda file: file.modified, reverse=True)
    items = [JobCheckpoint(name=file.name, bytes=file.bytes, modified=_time(file.modified)) for file in kept]
    return JobCheckpoints(
        items=tuple(items[:MOST_LISTED]),
        total_bytes=sum(file.bytes for file in kept),
        most_bytes=keeping.checkpoint_bytes,
    )


def _lines(path: Path, after: int) -> tuple[list[bytes], int, bool]:
    """Whole lines from an offset on, where they end, and whether that is the end of the file."""
    try:
        with path.open("rb") as file:
            file.seek(after)
            data = file.read(MOST_BYTES)
            is_end = not file.read(1)
    except OSError:
        return [], after, True
    whole, newline, _ = data.rpartition(b"\n")
    return whole.split(b"\n") if newline else [], after + len(whole) + len(newline), is_end


def _points(points: list[Point]) -> tuple[MetricPoint, ...]:
    return tuple(
        MetricPoint(value=point.value, step=point.step, at=None if point.at is None else _time(point.at))
        for point in points
    )


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(min(max(seconds, 0.0), LATEST), UTC))
