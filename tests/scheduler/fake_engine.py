"""An engine without processes: what runs where is a table, which outlives every scheduler as real attempts do.

`Machine` is the truth: the attempts that were launched, what each holds, and how it ends. `FakeEngine` is one
scheduler's view of it. The machine itself refuses what may never happen: an attempt that begins twice, and a unit that
two use at a time.
"""

# ruff: noqa: ARG002 - its methods have the arguments of every engine

import select
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import RowMapping

from control_plane.scheduler.engines.engine import Key, Placed, Way
from control_plane.scheduler.engines.local import CAUSES
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.processes import Cause, Exit
from control_plane.scheduler.rules.board import GPU_UNITS, Slot

NEVER = "1970-01-01T00:00:00.000000Z"
Unit = tuple[str, int]


def exited(cause: Cause = "exited", exit_code: int | None = 0) -> Exit:
    """The record of an attempt that ended."""
    return Exit(cause, exit_code, None, None, NEVER, NEVER, 0, 0, 0, 0, 0, 0)


def slots(gpus: int, cpus: int, memory_bytes: int = 80 << 30, node: str = "") -> list[Slot]:
    """So many GPUs and CPU slots of a machine."""
    mark = f"{node}/" if node else ""
    cards = [
        Slot(f"GPU-{mark}{index}", "gpu", memory_bytes, node=node, units=GPU_UNITS, index=index)
        for index in range(gpus)
    ]
    return [*cards, *(Slot(f"cpu:{mark}{index}", "cpu", node=node) for index in range(cpus))]


@dataclass
class Run:
    """One attempt, as the machine has it."""

    units: frozenset[Unit]
    state: Literal["running", "ended", "vanished"] = "running"
    has_begun: bool = False
    asked: Way | None = None
    exit: Exit | None = None


@dataclass
class Machine:
    """Everything that runs, and the slots there are."""

    slots: list[Slot] = field(default_factory=lambda: slots(2, 4))
    ends_at_once: bool = False
    """Whether a command ends as soon as it begins: for measuring the queue alone."""
    runs: dict[Key, Run] = field(default_factory=dict)
    begun: dict[Key, int] = field(default_factory=dict)
    """How often the command of each attempt was started."""
    stops: dict[Key, Way] = field(default_factory=dict)
    """Who was asked to stop, launched or not."""
    fenced: set[Key] = field(default_factory=set)
    stubborn: set[Key] = field(default_factory=set)
    """What cannot be killed for now."""
    used: dict[Unit, Key] = field(default_factory=dict)
    holder: object = None
    """The engine that works here alone."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def launch(self, key: Key, units: Collection[Unit]) -> None:
        """Begin an attempt, unless it was fenced off or asked to stop before."""
        with self.lock:
            run = self.runs[key] = Run(frozenset(units))
            if key in self.fenced or key in self.stops:
                run.state, run.exit = "ended", exited("cancelled", None)
                return
            run.has_begun = True
            self.begun[key] = self.begun.get(key, 0) + 1
            assert self.begun[key] == 1, f"attempt {key} was executed twice"
            for unit in run.units:
                assert unit not in self.used, f"{unit} is used by {self.used[unit]} and given to {key}"
                self.used[unit] = key
            if self.ends_at_once:
                self.end(key)

    def end(self, key: Key, exit_: Exit | None = None) -> None:
        """An attempt ends and leaves its record; without one it succeeds."""
        self._leave(key, "ended", exit_ or exited())

    def vanish(self, key: Key) -> None:
        """An attempt is gone and leaves no word."""
        self._leave(key, "vanished", None)

    def _leave(self, key: Key, state: Literal["ended", "vanished"], exit_: Exit | None) -> None:
        with self.lock:
            run = self.runs[key]
            assert run.state == "running"
            run.state, run.exit = state, exit_
            for unit in run.units:
                del self.used[unit]

    @property
    def running(self) -> list[Key]:
        with self.lock:
            return [key for key, run in self.runs.items() if run.state == "running"]


class FakeEngine:
    """One scheduler's hold on a machine."""

    name = "fake"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def take(self) -> bool:
        if self.machine.holder is None:
            self.machine.holder = self
        return self.machine.holder is self

    def let_go(self) -> None:
        if self.machine.holder is self:
            self.machine.holder = None

    def submit(self, placed: Placed) -> None:
        units = {(grant.slot_id, unit) for grant in placed.grants for unit in grant.units}
        self.machine.launch(_key(placed.job), units)

    def status(self, job: RowMapping) -> Exit | bool | None:
        run = self.machine.runs.get(_key(job))
        return None if run is None else run.exit if run.exit is not None else run.state == "running" or None

    def has_begun(self, job: RowMapping) -> bool:
        run = self.machine.runs.get(_key(job))
        return run is not None and run.has_begun

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:
        """Note the wish; what runs ends when the test says so."""
        key = _key(job)
        self.machine.stops.setdefault(key, way)
        if key in self.machine.runs:
            self.machine.runs[key].asked = self.machine.runs[key].asked or way

    def clear(self, job: RowMapping) -> bool:
        key = _key(job)
        with self.machine.lock:
            self.machine.fenced.add(key)
            if key in self.machine.stubborn:
                return False
            if key in self.machine.running:
                self.machine.vanish(key)
        return True

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ending:
        cause = CAUSES.get(exit_.cause) or ("finished" if exit_.exit_code == 0 else "user_error")
        return Ending(cause, exit_.exit_code, exit_.error, {"files": {}})

    def tidy(self, job: RowMapping) -> None:
        """There is nothing to remove."""

    def log(self, job_id: str, attempt: int) -> Path:
        return Path("/nonexistent", job_id, str(attempt))

    def workspaces(self) -> Sequence[Key]:
        return ()

    def remove(self, key: Key) -> None:
        """There is nothing to remove."""

    def wait(self, seconds: float, wake_fd: int, leave: Callable[[Key], bool]) -> Collection[Key]:
        """Sleep until the descriptor wakes us, or the time is over; what ended is found by asking."""
        select.select([wake_fd], [], [], seconds)
        return ()

    def wait_for_all(self, seconds: float) -> None:
        """Nothing ends by itself here."""

    def capacity(self, held: Collection[str]) -> Sequence[Slot]:
        return list(self.machine.slots)


def _key(job: RowMapping) -> Key:
    return job["job_id"], job["attempt"]
