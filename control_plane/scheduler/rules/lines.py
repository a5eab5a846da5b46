"""The waiting jobs in lines: those that are alike, each line by rank, then number."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from control_plane.scheduler.rules.board import LineKey, Lines, Waiting


def key_of(job: Waiting) -> LineKey:
    """The line that a job stands in."""
    return LineKey.of(job)


def place_of(job: Waiting) -> tuple[float, int]:
    """Where it stands in its line."""
    return job.rank, job.number


def going(lines: Lines, resting: Collection[str]) -> Lines:
    """The lines without those that stand still with their experiment."""
    if not resting:
        return lines
    return {key: line for key, line in lines.items() if key.is_claimed or key.experiment_id not in resting}


class Line(list[Waiting]):
    """Jobs that are alike, in their places, and which of them have waited longer than the one before.

    There are few: whoever gave way comes back to its place with a younger age, whoever was moved up is younger, too.
    """

    def __init__(self, jobs: Iterable[Waiting] = ()) -> None:
        super().__init__(jobs)
        self.elders: dict[str, Waiting] = {
            later.job_id: later for sooner, later in pairwise(self) if later.queued_at < sooner.queued_at
        }

    def put(self, job: Waiting) -> None:
        """A job takes its place."""
        if not self or place_of(self[-1]) < place_of(job):
            at = len(self)
            self.append(job)
        else:
            at = bisect_left(self, place_of(job), key=place_of)
            self.insert(at, job)
        self._compare(at)
        self._compare(at + 1)

    def take(self, job: Waiting) -> None:
        """A job leaves."""
        at = bisect_left(self, place_of(job), key=place_of)
        assert self[at].job_id == job.job_id  # noqa: S101 - number tells jobs apart
        del self[at]
        self.elders.pop(job.job_id, None)
        self._compare(at)

    def copied(self) -> "Line":
        """The line as it is now."""
        copy = Line()
        copy.extend(self)
        copy.elders.update(self.elders)
        return copy

    def _compare(self, at: int) -> None:
        if at < len(self):
            job = self[at]
            if at and job.queued_at < self[at - 1].queued_at:
                self.elders[job.job_id] = job
            else:
                self.elders.pop(job.job_id, None)


def elders(line: Sequence[Waiting]) -> Iterable[Waiting]:
    """The jobs of a line that have waited longer than the one before."""
    return (line if isinstance(line, Line) else Line(line)).elders.values()


class Queued:
    """Lines that are kept while jobs come and go."""

    def __init__(self) -> None:
        self.lines: dict[LineKey, Line] = {}

    def add(self, job: Waiting) -> None:
        """A job stands in line."""
        self.lines.setdefault(key_of(job), Line()).put(job)

    def remove(self, job: Waiting) -> None:
        """A job that stands in line leaves it."""
        key = key_of(job)
        line = self.lines[key]
        line.take(job)
        if not line:
            del self.lines[key]

    def copy(self) -> Mapping[LineKey, Line]:
        """The lines as they stand now, which nobody changes any more."""
        return {key: line.copied() for key, line in self.lines.items()}


def lines_of(jobs: Iterable[Waiting]) -> dict[LineKey, Line]:
    """Jobs, each in its line and place."""
    lines = Queued()
    for job in jobs:
        lines.add(job)
    return lines.lines
