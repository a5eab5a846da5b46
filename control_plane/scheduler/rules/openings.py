"""Where a need fits best among all machines, found without looking at each of them for every job.

While a plan is made free slots only become fewer, so a machine that a need no longer fits never has to be looked at
again for it, and of the others only those that changed since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from control_plane.scheduler.rules.board import Grant
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.outlooks import Kept
from control_plane.scheduler.rules.reservations import Withheld
from control_plane.scheduler.rules.rooms import Choice, Room, Score


@dataclass
class _Search:
    """The machines that a need may fit, the tightest first, as they were when `seen` changes had been made."""

    seen: int = 0
    heap: list[tuple[Score, int]] = field(default_factory=list)
    choices: dict[int, Choice] = field(default_factory=dict)


@dataclass
class Openings:
    """Every machine, and which of them changed, in order."""

    rooms: Sequence[Room]
    changes: list[int] = field(default_factory=list)
    free_cpus: int = 0
    _searches: dict[Need, _Search] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free_cpus = sum(len(room.cpus) for room in self.rooms)

    def find(self, need: Need) -> Choice | None:
        """The tightest way to fit a need anywhere."""
        search = self._searches.get(need)
        if search is None:
            search = self._searches[need] = _Search(len(self.changes))
            for room in self.rooms:
                self._look(search, room, need)
        else:
            for index in set(self.changes[search.seen :]) & search.choices.keys():
                self._look(search, self.rooms[index], need)
            search.seen = len(self.changes)
        while search.heap:
            score, index = search.heap[0]
            choice = search.choices.get(index)
            if choice is not None and choice.score == score:
                return choice
            heappop(search.heap)
        return None

    def _look(self, search: _Search, room: Room, need: Need) -> None:
        choice = room.choose(need)
        if choice is None:
            search.choices.pop(room.index, None)
        else:
            search.choices[room.index] = choice
            heappush(search.heap, (choice.score, room.index))

    def take(self, choice: Choice, need: Need) -> tuple[Grant, ...]:
        grants = choice.room.take(choice, need)
        self.free_cpus -= need.cpus
        self.changes.append(choice.room.index)
        return grants

    def withhold(self, room: Room, kept: Kept, until: float) -> Withheld:
        """Take off what is free what is kept for a job."""
        self.free_cpus -= kept.cpus
        self.changes.append(room.index)
        return Withheld.of(room, kept, until)

    def borrow(self, kept: Withheld, need: Need, may: Callable[[Choice], bool]) -> tuple[Grant, ...] | None:
        """Fit a need into the machine of what is kept, with that."""
        free = len(kept.room.cpus)
        grants = kept.lend(need, may)
        self.free_cpus += len(kept.room.cpus) - free
        self.changes.append(kept.room.index)
        return grants
