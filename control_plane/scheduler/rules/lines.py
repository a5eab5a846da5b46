"""The waiting jobs in lines: those that are alike, each line by rank, then number."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf

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


class Ages:
    """Since when the oldest job of a line waits that stands at some place of it or behind."""

    def __init__(self, elders: Iterable[Waiting]) -> None:
        self._places: list[tuple[float, int]] = []
        self._since: list[float] = []
        since = inf
        for job in sorted(elders, key=place_of, reverse=True):
            since = min(since, job.queued_at)
            self._places.append(place_of(job))
            self._since.append(since)
        self._places.reverse()
        self._since.reverse()

    def since(self, front: Waiting) -> float:
        """The same for a job in front."""
        at = bisect_right(self._places, place_of(front))
        return min(front.queued_at, self._since[at]) if at < len(self._since) else front.queued_at


class Line(list[Waiting]):
    """Jobs that are alike, in their places, and which of them have waited longer than the one before.

    There are few: whoever gave way comes back to its place with a younger age, whoever was moved up is younger, too.
    """

    def __init__(self, jobs: Iterable[Waiting] = ()) -> None:
        super().__init__(jobs)
        self.elders: dict[str, Waiting] = {
            later.job_id: later for sooner, later in pairwise(self) if later.queued_at < sooner.queued_at
        }
        self._ages: Ages | None = None

    @property
    def ages(self) -> Ages:
        """The ages of its elders: they stay true for those behind when the job in front leaves."""
        if self._ages is None:
            self._ages = Ages(self.elders.values())
        return self._ages

    def put(self, job: Waiting) -> None:
        """A job takes its place."""
        if self and place_of(self[-1]) < place_of(job):
            at = len(self)
            self.append(job)
        else:
            self._ages = None
            at = bisect_left(self, place_of(job), key=place_of)
            self.insert(at, job)
        self._compare(at)
        self._compare(at + 1)

    def take(self, job: Waiting) -> None:
        """A job leaves."""
        at = bisect_left(self, place_of(job), key=place_of)
        assert self[at].job_id == job.job_id  # noqa: S101 - number tells jobs apart
        del self[at]
        ages = self._ages
        if self.elders.pop(job.job_id, None) is not None:
            self._ages = None
        self._compare(at)
        if not at:
            self._ages = ages

    def copied(self) -> "Line":
        """The line as it is now."""
        copy = Line()
        copy.extend(self)
        copy.elders.update(self.elders)
        copy._ages = self._ages
        return copy

    def _compare(self, at: int) -> None:
        if at < len(self):
            job = self[at]
            is_elder = at > 0 and job.queued_at < self[at - 1].queued_at
            if is_elder != (job.job_id in self.elders):
                self._ages = None
            if is_elder:
                self.elders[job.job_id] = job
            else:
                self.elders.pop(job.job_id, None)


def ages_of(line: Sequence[Waiting]) -> Ages:
    """The ages of a line, kept or not."""
    return (line if isinstance(line, Line) else Line(line)).ages


def oldest(line: Sequence[Waiting]) -> float:
    """Since when that one waits that has waited longest; the line has somebody in it."""
    return ages_of(line).since(line[0])


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
