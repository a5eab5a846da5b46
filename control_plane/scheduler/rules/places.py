"""Where waiting jobs stand: their order, and the place of one of them without putting all in order.

The order is that in which they have their turn if each is placed when it comes: by level, and within one so that
experiments get their shares. The first two thousand are counted one by one; the place of one behind them is reckoned,
line by line.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from control_plane.scheduler.rules.accounts import Accounts, foreseen, least
from control_plane.scheduler.rules.board import LineKey, Situation, Waiting
from control_plane.scheduler.rules.lines import ages_of, place_of
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.rooms import rooms_of
from control_plane.scheduler.rules.turns import TOP, Turns, level

COUNTED = 2000
Height = tuple[bool, float]
"""Less is sooner: the aged, who come first, by age; the others by level."""


@dataclass(frozen=True)
class Charges:
    """What a job of each line adds to the usage of its experiment."""

    situation: Situation

    def of_lines(self) -> dict[LineKey, float]:
        rooms = rooms_of(self.situation.slots, self.situation.nodes, ())
        rates: dict[Need, float] = {}
        found = {}
        for key, line in self.situation.lines.items():
            need = Need.of(key.resources)
            if need not in rates:
                rates[need] = least(need, rooms).rate
            found[key] = rates[need] * foreseen(line[0].most_seconds) if len(line) else 0.0
        return found


def in_turn(situation: Situation) -> Iterator[Waiting]:
    """The waiting jobs, the next one first."""
    charges = Charges(situation).of_lines()
    turns = Turns.of(situation, Accounts.of(situation).usage())
    for number, job in turns:
        yield job
        turns.advance(number, charges[turns.keys[number]])


def first(situation: Situation, count: int = COUNTED) -> list[Waiting]:
    """So many jobs from the head of the queue."""
    return list(islice(in_turn(situation), count))


def position(situation: Situation, job: Waiting, head: Sequence[Waiting] | None = None) -> int:
    """The place of a waiting job, 1 for the next; `head` are the first jobs, where they are known already."""
    head = first(situation) if head is None else head
    for place, one in enumerate(head, 1):
        if one.job_id == job.job_id:
            return place
    return max(len(head) + 1, _reckoned(situation, job))


def _reckoned(situation: Situation, job: Waiting) -> int:
    """The place by counting whole stretches of lines: those before it, and of its own level each experiment's share."""
    own: Height = _heights(situation, situation.lines[LineKey.of(job)])(job)
    next_level: Height = (True, own[1] + 0.5)
    before, level_mates = 0, dict[str, list[tuple[int, int, float]]]()
    charges = Charges(situation).of_lines()
    for key, line in situation.lines.items():
        height = _heights(situation, line)
        start = bisect_left(line, own, key=height)
        end = bisect_left(line, next_level, key=height) if own[0] else bisect_right(line, own, key=height)
        ahead = bisect_left(line, place_of(job), start, end, key=place_of)
        before += start if own[0] else ahead
        if own[0] and end > start:
            level_mates.setdefault(key.experiment_id, []).append((end - start, ahead - start, charges[key]))
    return before + 1 + _within_level(situation, job, level_mates)


def _within_level(situation: Situation, job: Waiting, mates: dict[str, list[tuple[int, int, float]]]) -> int:
    """How many of the same level have their turn before a job."""
    usage, weights = Accounts.of(situation).usage(), situation.policy.weights
    own = mates.get(job.experiment_id, [])
    ahead = sum(before for _, before, _ in own)
    clock = usage.get(job.experiment_id, 0.0) + sum(before * charge for _, before, charge in own)
    clock /= weights.get(job.experiment_id, 1.0)
    for experiment_id, lines in mates.items():
        if experiment_id != job.experiment_id:
            count = sum(size for size, _, _ in lines)
            step = sum(size * charge for size, _, charge in lines) / count / weights.get(experiment_id, 1.0)
            late = clock - usage.get(experiment_id, 0.0) / weights.get(experiment_id, 1.0)
            ahead += min(count, max(0, ceil(late / step) if step else count * (late > 0)))
    return ahead


def _heights(situation: Situation, line: Sequence[Waiting]) -> Callable[[Waiting], Height]:
    """How high each job of a line stands once it is in front, with the age of the oldest behind it."""
    policy, now, ages = situation.policy, situation.now, ages_of(line)

    def height(job: Waiting) -> Height:
        since = ages.since(job)
        risen = level(job.priority, since, policy, now)
        return (False, since) if risen > TOP else (True, -risen)

    return height
