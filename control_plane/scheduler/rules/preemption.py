"""Which running attempts give way to the first job that does not fit: as few as may be, and none in vain.

An attempt gives way only where its job allows it, to a job of a priority that was higher from the start, and that
stays before it in the queue, so that the two never take turns. Attempts that are ending
anyway count as gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

from control_plane.scheduler.rules.board import Policy, Running, Waiting
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


def may_give_way(job: Waiting, attempt: Running, policy: Policy, now: float) -> bool:
    return attempt.is_preemptible and not attempt.is_ending and stays_before(job, attempt, policy, now)


def victims(
    need: Need, rooms: Sequence[Room], attempts: Attempts, job: Waiting, terms: tuple[Policy, float]
) -> tuple[Room, Victims] | None:
    """The smallest set of attempts, all of one machine, without which the job fits there."""
    found: list[tuple[Loss, int, Room, Victims]] = []
    for room in rooms:
        ending = [one for one in attempts[room.name] if one.is_ending]
        preemptible = (one for one in attempts[room.name] if one.is_preemptible)
        candidates = [one for one in preemptible if may_give_way(job, one, *terms)]
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
