"""The waiting jobs in lines: those that are alike, each line by rank, then number."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping

from control_plane.scheduler.rules.board import LineKey, Lines, Waiting


def key_of(job: Waiting) -> LineKey:
    """The line that a job stands in."""
    return LineKey.of(job)


def place_of(job: Waiting) -> tuple[float, int]:
    """Where it stands in its line."""
    return job.rank, job.number


def lines_of(jobs: Iterable[Waiting]) -> dict[LineKey, list[Waiting]]:
    """Jobs, each in its line and place."""
    lines = Queued()
    for job in jobs:
        lines.add(job)
    return lines.lines


def going(lines: Lines, resting: Collection[str]) -> Lines:
    """The lines without those that stand still with their experiment."""
    if not resting:
        return lines
    return {key: line for key, line in lines.items() if key.is_claimed or key.experiment_id not in resting}


class Queued:
    """Lines that are kept while jobs come and go."""

    def __init__(self) -> None:
        self.lines: dict[LineKey, list[Waiting]] = {}

    def add(self, job: Waiting) -> None:
        """A job stands in line."""
        line = self.lines.setdefault(key_of(job), [])
        if not line or place_of(line[-1]) < place_of(job):
            line.append(job)
        else:
            insort(line, job, key=place_of)

    def remove(self, job: Waiting) -> None:
        """A job that stands in line leaves it."""
        key = key_of(job)
        line = self.lines[key]
        at = bisect_left(line, place_of(job), key=place_of)
        assert line[at].job_id == job.job_id  # noqa: S101 - number tells jobs apart
        del line[at]
        if not line:
            del self.lines[key]

    def copy(self) -> Mapping[LineKey, tuple[Waiting, ...]]:
        """The lines as they stand now, which nobody changes any more."""
        return {key: tuple(line) for key, line in self.lines.items()}
