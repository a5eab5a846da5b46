"""Whose turn it is: lines by level, then by what their experiment had for its weight, then by the job in front.

A level is the priority risen by age. Levels above ten are ordered by age alone. Nobody waits longer for standing behind
a younger job that is alike: the one in front has the age of the oldest in its line. The usage of an experiment grows
while a plan is made, so that one plan is fair, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import floor

from control_plane.scheduler.rules.board import LineKey, Policy, Running, Situation, Waiting
from control_plane.scheduler.rules.lines import Ages, ages_of

TOP = 10
"""The highest priority there is."""
Turn = tuple[bool, float, float, float, int, int]
"""Less is sooner: whether it is not among the aged, its level or since when it waits, usage, rank, number, line."""


def level(priority: int, since: float, policy: Policy, now: float) -> int:
    """A priority, risen by the age of who waits since then."""
    return floor(_height(priority, since, policy, now))


@dataclass
class Turns:
    """The heads of the lines, in order."""

    situation: Situation
    usage: dict[str, float]
    keys: list[LineKey] = field(default_factory=list)
    _lines: list[Sequence[Waiting]] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)
    _ages: list[Ages] = field(default_factory=list)
    _heap: list[Turn] = field(default_factory=list)

    @classmethod
    def of(cls, situation: Situation, usage: dict[str, float]) -> "Turns":
        turns = cls(situation, usage)
        for key, line in situation.lines.items():
            if len(line):
                turns.keys.append(key)
                turns._lines.append(line)
                turns._places.append(0)
                turns._ages.append(ages_of(line))
                turns._heap.append(turns._turn(len(turns.keys) - 1))
        heapify(turns._heap)
        return turns

    def __iter__(self) -> Iterator[tuple[int, Waiting]]:
        """The number of a line and the job in front of it, until every line has been called or held up."""
        while self._heap:
            turn = heappop(self._heap)
            number = turn[-1]
            now = self._turn(number)
            if now > turn:
                heappush(self._heap, now)
            else:
                yield number, self.front(number)

    def front(self, number: int) -> Waiting:
        return self._lines[number][self._places[number]]

    def advance(self, number: int, charge: float) -> None:
        """The job in front was placed; the next one of its line has its turn in time."""
        key = self.keys[number]
        self.usage[key.experiment_id] = self.usage.get(key.experiment_id, 0.0) + charge
        self._places[number] += 1
        if self._places[number] < len(self._lines[number]):
            heappush(self._heap, self._turn(number))

    def lines(self) -> list[tuple[LineKey, Waiting]]:
        """The lines in which somebody still waits, and who is in front."""
        waiting = (number for number, line in enumerate(self._lines) if self._places[number] < len(line))
        return [(self.keys[number], self.front(number)) for number in waiting]

    def _turn(self, number: int) -> Turn:
        job, policy = self.front(number), self.situation.policy
        since = self._ages[number].since(job)
        height = level(job.priority, since, policy, self.situation.now)
        if height > TOP:
            return False, since, 0.0, job.rank, job.number, number
        had = self.usage.get(job.experiment_id, 0.0) / policy.weights.get(job.experiment_id, 1.0)
        return True, -height, had, job.rank, job.number, number


def stays_before(job: Waiting, other: Running, policy: Policy, now: float) -> bool:
    """Whether a waiting job would go before a running one that were queued again, now and while they wait.

    Its age is then the time that it has waited, not the time it ran.
    """
    if other.priority >= job.priority:
        return False
    since = now if other.queued_at is None else now - max(0.0, other.placed_at - other.queued_at)
    height, theirs = _height(job.priority, job.queued_at, policy, now), _height(other.priority, since, policy, now)
    if theirs >= TOP + 1:
        return job.queued_at < since
    return height >= theirs + 1


def _height(priority: int, queued_at: float, policy: Policy, now: float) -> float:
    return priority + max(0.0, now - queued_at) / policy.ageing_seconds
