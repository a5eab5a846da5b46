"""An inventory that looks often, on GPUs that a test makes up, and processes that stand for an attempt's."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.parts import Terms
from control_plane.scheduler.processes import MARKER
from control_plane.scheduler.rules.board import Slot
from tests.fakes.driver import FakeDriver, a_gpu

PATIENCE_SECONDS = 60.0
QUICK = Terms(look_seconds=0.02, soon_seconds=0.02, silent_seconds=5.0, drain_seconds=30.0, healthy_seconds=30.0)
MIB = 1 << 20
KEY = ("job_a", 1)


def uuid(number: int) -> str:
    return str(a_gpu(number)["uuid"])


def eventually(look: Callable[[], object], wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"never came: {wanted}"
        time.sleep(0.005)


@dataclass
class Watched:
    """An open inventory and what the scheduler holds of it."""

    inventory: Inventory
    driver: FakeDriver
    held: tuple[str, ...] = ()

    @property
    def slots(self) -> dict[str, Slot]:
        return {slot.slot_id: slot for slot in self.inventory.capacity(self.held)}

    def state(self, number: int) -> str:
        return self.slots[uuid(number)].state

    def why(self, number: int) -> str:
        return self.slots[uuid(number)].why or ""

    def await_state(self, number: int, state: str) -> Slot:
        eventually(lambda: self.state(number) == state, f"{state} of {self.slots[uuid(number)]}")
        return self.slots[uuid(number)]

    def await_looks(self, count: int = 2) -> None:
        """Let the driver be asked some more times, as a whole."""
        sampler = self.inventory._sampler
        assert sampler is not None
        before = sampler.looks
        eventually(lambda: sampler.looks >= before + count, "another look")

    def occupy(self, *numbers: int, key: tuple[str, int] = KEY) -> None:
        """An attempt gets GPUs, as the scheduler and the engine tell of it."""
        self.held = (*self.held, *map(uuid, numbers))
        self.inventory.capacity(self.held)
        self.inventory.occupied(key, [uuid(number) for number in numbers])

    def free(self, *numbers: int) -> None:
        """The accounts say that they are free."""
        self.held = tuple(one for one in self.held if one not in map(uuid, numbers))


@contextmanager
def watching(
    driver: FakeDriver, visible: str | None = None, terms: Terms = QUICK, cpus: int = 0, **given: Any
) -> Iterator[Watched]:
    made = Inventory(cpus, visible, replace(terms, **given))
    with made.open():
        yield Watched(made, driver)


@contextmanager
def a_process(key: tuple[str, int] | None = None, *, below: bool = False) -> Iterator[int]:
    """The pid of a process that sleeps: an attempt's, or `below` it a child without the attempt's name."""
    environment = {name: value for name, value in os.environ.items() if name != MARKER}
    marked = environment | ({MARKER: f"{key[0]}/{key[1]}"} if key else {})
    program = "import sys; print(0, flush=True); sys.stdin.read()"
    if below:
        program = (
            "import os, subprocess, sys; "
            "clean = {k: v for k, v in os.environ.items() if k != 'SWITCHYARD_ATTEMPT'}; "
            "child = subprocess.Popen(['/bin/sleep', '600'], env=clean); "
            "print(child.pid, flush=True); sys.stdin.read(); child.kill(); child.wait()"
        )
    running = subprocess.Popen([sys.executable, "-I", "-S", "-c", program], env=marked, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        yield int(running.stdout.readline()) or running.pid
    finally:
        running.stdin.close()
        running.wait(PATIENCE_SECONDS)
        running.stdout.close()
