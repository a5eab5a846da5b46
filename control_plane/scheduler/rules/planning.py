"""Which waiting jobs start now and on which slots, who gives way to whom, and who goes on waiting: a pure function.

Jobs are taken in turn; the first of a line decides for all of it. The first job that does not fit, but will when what
runs has ended, gets a reservation: what is free of what it needs is kept for it, and a later job starts only on the
rest, or if it has ended by then. A job over a quota, or that no machine can serve as it is, keeps nothing back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from control_plane.scheduler.rules.accounts import Accounts, Amounts, foreseen, least, worth
from control_plane.scheduler.rules.board import (
    GiveWay,
    Grant,
    LineKey,
    Placement,
    Running,
    Situation,
    Waiting,
)  # fmt: skip
from control_plane.scheduler.rules.machines import Machines
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.openings import Openings
from control_plane.scheduler.rules.outlooks import Outlook
from control_plane.scheduler.rules.preemption import Attempts, victims
from control_plane.scheduler.rules.reservations import (
    Promise,
    Reservation,
    Withheld,
    attempts_by_room,
    reserve,
    soonest,
)  # fmt: skip
from control_plane.scheduler.rules.rooms import Choice
from control_plane.scheduler.rules.turns import Turns
from store_client.wire.jobs import Resources

SOON_SECONDS = 30.0
"""Nobody gives way to a job that starts by then anyway."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, and who goes on waiting."""

    placements: tuple[Placement, ...]
    give_ways: tuple[GiveWay, ...]
    reservation: Reservation | None
    _turns: Turns = field(repr=False, compare=False)

    @cached_property
    def blocked(self) -> Mapping[LineKey, Waiting]:
        """The job in front of each line that goes on waiting: what keeps it keeps all behind it."""
        return dict(self._turns.lines())


def plan(situation: Situation, machines: Machines | None = None) -> Plan:
    """Place as many jobs as fit without delaying any that comes before.

    Whoever plans often keeps the machines from one plan to the next, which changes nothing in what is decided.
    """
    drawing = _Drawing(situation, machines or Machines())
    drawing.place()
    return drawing.made()


class _Drawing:
    """A plan while it is made."""

    def __init__(self, situation: Situation, machines: Machines) -> None:
        self.situation, self.machines = situation, machines.follow(situation)
        self.rooms = machines.rooms
        self.openings = Openings(self.rooms)
        self.accounts = Accounts.of(situation, machines.parts)
        self.turns = Turns.of(situation, self.accounts.usage(machines.rates))
        self.placed: list[tuple[Waiting, tuple[Grant, ...]]] = []
        self.needs: dict[Resources, tuple[Need, Amounts]] = {}
        self.line_needs: dict[int, tuple[Need, Amounts]] = {}
        self.reservation: Reservation | None = None
        self.withheld: Withheld | None = None
        self.hopeless: set[Need] = set()
        """What fits nowhere, not even when all that runs has ended."""
        self.refused: set[Need] = set()
        """What does not fit with what is kept, either."""

    def place(self) -> None:
        for number, job in self.turns:
            self._see_to(number, job)
            if self._is_over():
                break

    def made(self) -> Plan:
        placements = tuple(Placement(job.job_id, grants) for job, grants in self.placed)
        give_ways = self.reservation.give_ways if self.reservation is not None else ()
        return Plan(placements, give_ways, self.reservation, self.turns)

    def _see_to(self, number: int, job: Waiting) -> None:
        key = self.turns.keys[number]
        need, asks = self._need_of(number, job.resources)
        if self.accounts.excess(key, asks) is not None:
            return
        choice = self.openings.find(need)
        if choice is not None:
            if self._allows(key, choice, need):
                self._note(number, job, self.openings.take(choice, need))
        elif self.reservation is None:
            self._reserve(job, need)
        else:
            self._borrow(number, job, need)

    def _is_over(self) -> bool:
        """No job can start any more, nor delay another."""
        is_kept = self.withheld is not None and bool(self.withheld.cpus)
        return self.reservation is not None and not self.openings.free_cpus and not is_kept

    def _need_of(self, number: int, resources: Resources) -> tuple[Need, Amounts]:
        """What the jobs of a line need, and count for."""
        if number not in self.line_needs:
            if resources not in self.needs:
                need = Need.of(resources)
                self.needs[resources] = need, least(need, self.rooms)
            self.line_needs[number] = self.needs[resources]
        return self.line_needs[number]

    def _allows(self, key: LineKey, choice: Choice, need: Need) -> bool:
        return self.accounts.excess(key, worth(choice, need)) is None

    def _note(self, number: int, job: Waiting, grants: tuple[Grant, ...]) -> None:
        amounts = self.accounts.amounts(grants)
        self.accounts.add(job.experiment_id, job.operator, amounts)
        self.placed.append((job, grants))
        self.turns.advance(number, amounts.rate * foreseen(job.most_seconds))

    def _borrow(self, number: int, job: Waiting, need: Need) -> None:
        """What is kept for the reservation serves a job that will have ended by then."""
        kept = self.withheld
        if kept is None or self.situation.now + job.most_seconds > kept.until or need in self.refused:
            return
        key = self.turns.keys[number]
        grants = self.openings.borrow(kept, need, lambda choice: self._allows(key, choice, need))
        if grants is None:
            self.refused.add(need)
        else:
            self._note(number, job, grants)

    def _reserve(self, job: Waiting, need: Need) -> None:
        """Keep for the first job that does not fit what it will need; nothing where that cannot be told."""
        if need in self.hopeless:
            return
        now, running = self.situation.now, [*self.situation.running, *map(self._as_running, self.placed)]
        attempts = attempts_by_room(self.rooms, running, now, self.machines.homes)
        promise = soonest(need, self.rooms, attempts, now)
        if promise is None:
            self.hopeless.add(need)
            return
        made, until = promise, promise.at
        ways: tuple[GiveWay, ...] = ()
        if promise.at > now + SOON_SECONDS:
            sooner = self._room_coming(need, attempts) or self._room_made(job, need, attempts)
            if sooner is not None:
                made, ways, until = *sooner, now
        self.reservation = reserve(job, made, ways)
        self.withheld = self.openings.withhold(made.room, made.kept, until)

    def _room_coming(self, need: Need, attempts: Attempts) -> tuple[Promise, tuple[GiveWay, ...]] | None:
        """What attempts that are ending anyway leave to it; all of that is for nobody else."""
        for room in self.rooms:
            ending = [one for one in attempts[room.name] if one.is_ending]
            outlook = Outlook.of(room, need).without(ending)
            if ending and outlook.fits:
                return Promise(max(one.ends_by for one in ending), room, *outlook.kept()), ()
        return None

    def _room_made(self, job: Waiting, need: Need, attempts: Attempts) -> tuple[Promise, tuple[GiveWay, ...]] | None:
        """What attempts that give way leave to it, when that is allowed and there are some."""
        situation = self.situation
        if not situation.policy.may_preempt:
            return None
        found = victims(need, self.rooms, attempts, job, situation)
        if found is None:
            return None
        room, chosen = found
        gone = [*(one for one in attempts[room.name] if one.is_ending), *chosen]
        outlook = Outlook.of(room, need).without(gone)
        ways = tuple(GiveWay(one.job_id, one.attempt, job.job_id) for one in chosen)
        return Promise(max(one.stops_by(situation.now) for one in gone), room, *outlook.kept()), ways

    def _as_running(self, placed: tuple[Waiting, tuple[Grant, ...]]) -> Running:
        job, grants = placed
        now = self.situation.now
        return Running(
            job.job_id, 0, job.number, job.experiment_id, job.operator, job.priority, now, now + job.most_seconds,
            grants, memory_bytes=job.resources.memory_bytes,
        )  # fmt: skip
