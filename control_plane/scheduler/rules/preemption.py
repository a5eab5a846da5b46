"""Which running attempts give way to the first job that does not fit: as few as may be, and none in vain.

An attempt gives way only where its job allows it, to a job of a priority that was higher from the start, and that
stays before it in the queue, so that the two never take turns: also not by the age that an older one which is alike
would lend it. Attempts that are ending anyway count as gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb

from control_plane.scheduler.rules.board import LineKey, Running, Situation, Waiting
from control_plane.scheduler.rules.lines import oldest
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.outlooks import Outlook
from control_plane.scheduler.rules.rooms import Room
from control_plane.scheduler.rules.turns import stays_before

MOST_TRIED = 2_000
"""So many sets are tried for the smallest one; beyond that, attempts are added one by one and those not needed left."""
Attempts = Mapping[str, list[Running]]
"""On each machine."""
Victims = tuple[Running, ...]
Loss = tuple[int, tuple[int, ...], tuple[float, ...], tuple[int, ...]]


def loss(victims: Sequence[Running]) -> Loss:
    """Less is better: fewest, then lowest priority, then most recently placed, then the last of the queue."""
    priorities = tuple(sorted((one.priority for one in victims), reverse=True))
    placed, numbers = sorted(-one.placed_at for one in victims), sorted(-one.number for one in victims)
    return len(victims), priorities, tuple(placed), tuple(numbers)


@dataclass
class _Yielding:
    """Who may give way to a job, with an answer for each line in which attempts would stand again."""

    job: Waiting
    situation: Situation
    _lines: dict[tuple[object, ...], bool] = field(default_factory=dict)

    def may(self, attempt: Running) -> bool:
        if not attempt.is_preemptible or attempt.is_ending or not self._stays_before(attempt):
            return False
        if (own := attempt.job) is None:
            return True
        asked = own.experiment_id, own.operator, own.priority, id(own.resources), own.most_seconds, own.is_claimed
        if asked not in self._lines:
            line = self.situation.lines.get(LineKey.of(own))
            self._lines[asked] = not line or self._stays_before(self._as_old(attempt, oldest(line)))
        return self._lines[asked]

    def _stays_before(self, attempt: Running) -> bool:
        return stays_before(self.job, attempt, self.situation.policy, self.situation.now)

    def _as_old(self, attempt: Running, since: float) -> Running:
        return replace(attempt, placed_at=self.situation.now, queued_at=since)


def victims(
    need: Need, rooms: Sequence[Room], attempts: Attempts, job: Waiting, situation: Situation
) -> tuple[Room, Victims] | None:
    """The smallest set of attempts, all of one machine, without which the job fits there."""
    found: list[tuple[Loss, int, Room, Victims]] = []
    yielding = _Yielding(job, situation)
    for room in rooms:
        ending = [one for one in attempts[room.name] if one.is_ending]
        candidates = [one for one in attempts[room.name] if yielding.may(one)]
        outlook = Outlook.of(room, need).without(ending)
        if candidates and outlook.without(candidates).fits:
            chosen = _smallest(outlook, candidates)
            found.append((loss(chosen), room.index, room, chosen))
    return min(found, key=lambda each: each[:2])[2:] if found else None


def _smallest(outlook: Outlook, candidates: Sequence[Running]) -> Victims:
    tried = 0
    for size in range(1, len(candidates) + 1):
        tried += comb(len(candidates), size)
        if tried > MOST_TRIED:
            return _pruned(outlook, candidates)
        fitting = list(_fitting(outlook, candidates, size))
        if fitting:
            return min(fitting, key=loss)
    return tuple(candidates)


def _fitting(outlook: Outlook, candidates: Sequence[Running], size: int) -> Iterator[Victims]:
    return (chosen for chosen in combinations(candidates, size) if outlook.without(chosen).fits)


def _pruned(outlook: Outlook, candidates: Sequence[Running]) -> Victims:
    """Attempts are taken, the least loss first, until it fits; then each that it fits without is left alone again."""
    chosen: list[Running] = []
    for one in sorted(candidates, key=lambda one: loss((one,))):
        if outlook.without(chosen).fits:
            break
        chosen.append(one)
    for one in list(reversed(chosen)):
        rest = [other for other in chosen if other is not one]
        if outlook.without(rest).fits:
            chosen = rest
    return tuple(chosen)
