"""What the first job that does not fit will start on, and when at the latest: no later job delays it.

It is certain: every attempt has ended by its `ends_by`, and what is free now of what the job will need is kept for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from control_plane.scheduler.rules.board import GiveWay, Grant, Running, Waiting
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.outlooks import Kept, Outlook
from control_plane.scheduler.rules.rooms import Choice, Room, mask


@dataclass(frozen=True)
class Reservation:
    """A waiting job starts by then at the latest, whoever comes behind it."""

    job_id: str
    number: int
    at: float
    node: str
    slots: tuple[str, ...]
    """GPUs and slices that it will be on, in part or whole."""
    kept: Kept
    give_ways: tuple[GiveWay, ...] = ()
    """Attempts that are asked to give way to it; what they free is for nobody else."""


@dataclass(frozen=True)
class Promise:
    """The soonest that a need fits into one machine."""

    at: float
    room: Room
    kept: Kept
    slots: tuple[str, ...]


def attempts_by_room(
    rooms: Iterable[Room], running: Iterable[Running], now: float, homes: Mapping[str, Room]
) -> Mapping[str, list[Running]]:
    """The attempts on each machine, the one that ends first at the front; one that is ending does so in its grace."""
    running = [replace(one, ends_by=one.stops_by(now)) if one.is_ending else one for one in running]
    found: dict[str, list[Running]] = {room.name: [] for room in rooms}
    for attempt in sorted(running, key=attrgetter("ends_by")):
        home = homes.get(attempt.grants[0].slot_id) if attempt.grants else None
        if home is not None:
            found[home.name].append(attempt)
    return found


def soonest(need: Need, rooms: Sequence[Room], attempts: Mapping[str, list[Running]], now: float) -> Promise | None:
    """The earliest time by which a need certainly fits somewhere; None: not even when all that runs has ended."""
    promises = [made for room in rooms if (made := _in_room(need, room, attempts[room.name], now)) is not None]
    return min(promises, key=_earliest, default=None)


def _earliest(promise: Promise) -> tuple[float, int, int, int]:
    kept = promise.kept
    return promise.at, sum(len(units) for units in kept.units.values()), kept.cpus, promise.room.index


def _in_room(need: Need, room: Room, attempts: Iterable[Running], now: float) -> Promise | None:
    outlook, at = Outlook.of(room, need), now
    for attempt in attempts:
        if attempt.ends_by > at:
            if outlook.fits:
                break
            at = attempt.ends_by
        outlook.let_go(attempt)
    return Promise(at, room, *outlook.kept()) if outlook.fits else None


def reserve(job: Waiting, promise: Promise, give_ways: tuple[GiveWay, ...] = ()) -> Reservation:
    return Reservation(job.job_id, job.number, promise.at, promise.room.name, promise.slots, promise.kept, give_ways)


@dataclass
class Withheld:
    """What is kept for a job, taken off what is free; a job that has ended by then may use it meanwhile."""

    room: Room
    until: float
    masks: dict[str, int]
    cpus: list[str]
    memory_bytes: float

    @classmethod
    def of(cls, room: Room, kept: Kept, until: float) -> "Withheld":
        masks = {slot_id: mask(units) for slot_id, units in kept.units.items()}
        cpus = [room.cpus.pop(0) for _ in range(kept.cpus)]
        withheld = cls(room, until, masks, cpus, kept.memory_bytes)
        withheld._move(-1)
        return withheld

    def lend(self, need: Need, may: Callable[[Choice], bool]) -> tuple[Grant, ...] | None:
        """Fit a need into the machine with what is kept; what it takes of that is no longer here to lend."""
        if len(self.room.cpus) + len(self.cpus) < need.cpus:
            return None
        self.room.cpus[:0] = self.cpus
        self._move(1)
        choice = self.room.choose(need)
        grants = self.room.take(choice, need) if choice is not None and may(choice) else None
        self._keep_the_rest()
        return grants

    def _move(self, sign: int) -> None:
        for slot_id, bits in self.masks.items():
            card = self.room.cards[slot_id]
            self.room.set_free(card, card.free | bits if sign > 0 else card.free & ~bits)
        self.room.memory_bytes += sign * self.memory_bytes

    def _keep_the_rest(self) -> None:
        self.masks = {slot_id: bits & self.room.cards[slot_id].free for slot_id, bits in self.masks.items()}
        kept = set(self.cpus)
        self.cpus = [slot_id for slot_id in self.room.cpus if slot_id in kept]
        self.room.cpus = [slot_id for slot_id in self.room.cpus if slot_id not in kept]
        self.memory_bytes = min(self.memory_bytes, max(0.0, self.room.memory_bytes))
        self._move(-1)
