"""Schedulers that die at any call, hands that work when they are told to, and a clock that is set by hand."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection

from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.edge.house import House
from control_plane.scheduler.engines.engine import Key
from control_plane.scheduler.hands import Hands
from control_plane.scheduler.loop import Scheduler
from control_plane.scheduler.workspace import WorkspaceError
from store_client.wire.scalars import format_time
from tests.scheduler.fake_engine import FakeEngine, Machine
from tests.scheduler.queue_house import CLAIMS

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


class Died(BaseException):
    """The process was killed here; nothing in it goes on."""


@dataclass
class Clock:
    """A time that moves only when it is told to, forwards or backwards; the steady one forwards alone."""

    seconds: float = 0.0
    steady: float = 0.0

    def read(self) -> str:
        self.seconds += 0.001
        return format_time(MONDAY + timedelta(seconds=self.seconds))

    def monotonic(self) -> float:
        return self.steady


class ClockedDatabase(Database):
    """A database whose own time is ours; its writers wait for one another as ever."""

    def begin_writing(self, connection: Connection, clock: Callable[[], str]) -> str:
        super().begin_writing(connection, clock)
        return clock()

    def now(self, connection: Connection, clock: Callable[[], str]) -> str:  # noqa: ARG002 - as the database has it
        return clock()


def clocked_house(url: str, clock: Clock) -> House:
    return House(ClockedDatabase.open(url), Keys("admin-token", b"pepper"), clock=clock.read)


@dataclass
class Fuse:
    """Burns a little with each call; once it has burnt down every call ends the process."""

    left: int | None = None
    is_late: bool = False
    """Whether the last call still does its work before the process dies."""

    def burn(self, call: Callable[[], Any]) -> Any:
        if self.left is None:
            return call()
        self.left -= 1
        if self.left < 0:
            raise Died
        answer = call()
        if self.left == 0 and self.is_late:
            raise Died
        return answer


@dataclass
class Burning:
    """Something whose every method burns the fuse."""

    subject: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.subject, name)
        return (lambda *given, **named: self.fuse.burn(lambda: found(*given, **named))) if callable(found) else found


@dataclass
class MortalHouse:
    """The house as one process has it, until it dies."""

    house: House
    fuse: Fuse

    def __post_init__(self) -> None:
        self.writer = Burning(self.house.writer, self.fuse)

    def read_now(self, work: Any) -> Any:
        return self.fuse.burn(lambda: self.house.read_now(work))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.house, name)


@dataclass
class Hand:
    """Work for attempts, done when the test says so; what fails is tried again at the next round."""

    todo: dict[Key, Callable[[], Any]] = field(default_factory=dict)
    answers: list[tuple[Key, Any]] = field(default_factory=list)

    def leave(self, key: Key) -> bool:
        return key in self.todo or any(key == answered for answered, _ in self.answers)

    def give(self, key: Key, work: Callable[[], Any]) -> None:
        self.todo[key] = work

    def take(self) -> list[tuple[Key, Any]]:
        answers, self.answers = self.answers, []
        return answers

    def rest(self, _key: Key, error: BaseException) -> None:
        if not isinstance(error, WorkspaceError):
            raise error

    def stop(self) -> None:
        self.todo.clear()

    def wait(self, _seconds: float) -> bool:
        return True

    def do(self, number: int) -> bool:
        """One piece of work, whichever; whether there was any."""
        if not self.todo:
            return False
        key = list(self.todo)[number % len(self.todo)]
        with suppress(WorkspaceError):  # something of it cannot be killed yet
            answer = self.todo.pop(key)()
            self.answers += [(key, answer)] if answer is not None else []
        return True


class Process:
    """One scheduler's process, on a house of its own."""

    def __init__(self, house: House, machine: Machine) -> None:
        self.fuse, self.hand = Fuse(), Hand()
        mortal: Any = MortalHouse(house, self.fuse)
        engine: Any = Burning(FakeEngine(machine), self.fuse)
        self.scheduler = Scheduler(mortal, engine, CLAIMS, cast("Hands", self.hand))

    def tick(self, *, everything: bool) -> None:
        self.scheduler.tick(everything=everything)

    def stop(self) -> None:
        """Give back what a dead process gives back by itself."""
        self.fuse.left = None
        self.scheduler.stop()
