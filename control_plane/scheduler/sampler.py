"""The one thread that asks the driver: a question may take seconds, or never be answered."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from control_plane.edge.rounds import Rounds
from control_plane.scheduler.gpus import Gpu, driver_open, inventory
from control_plane.scheduler.owners import Owner, owner_of

STOP_SECONDS = 1.0


@dataclass(frozen=True)
class Look:
    """What the driver said in one round, and who the processes are that it named; times are monotonic."""

    began: float
    ended: float
    gpus: tuple[Gpu, ...]
    owners: Mapping[int, Owner]


class Sampler(Rounds):
    """Looks again and again and hands each look to `take`, which answers how many seconds later to look again."""

    def __init__(self, visible: str | None, take: Callable[[Look], float]) -> None:
        super().__init__("gpu-sampler", 0)
        self._visible, self._take = visible, take
        self._wake = threading.Event()
        self._first = threading.Event()
        self._driver = ExitStack()
        self._is_open = False
        self._seconds = 0.0
        self._asked_at: float | None = None
        self.looks = 0
        """How many were handed over."""

    def look_soon(self) -> None:
        """Look now, not when it is due; safe from any thread."""
        self._wake.set()

    def silent_seconds(self) -> float:
        """For how long a question has been without an answer."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def wait_for_first(self, seconds: float) -> bool:
        """Whether there was a first look within so many seconds."""
        return self._first.wait(seconds)

    def stop(self, seconds: float | None = STOP_SECONDS) -> None:
        """Stop asking; a driver that hangs is not waited for."""
        self.stopping.set()
        self._wake.set()
        super().stop(seconds)

    def round(self) -> int:
        """Wait until it is time, look, and hand over what was seen."""
        self._wake.wait(self._seconds)
        self._wake.clear()
        if self.stopping.is_set():
            return 0
        self._seconds = 1.0
        self._seconds = self._take(self._look())
        self.looks += 1
        self._first.set()
        return 1

    def _run(self) -> None:
        super()._run()
        self._driver.close()

    def _look(self) -> Look:
        self._asked_at = began = time.monotonic()
        try:
            if not self._is_open:  # it may have come only now
                self._driver.close()
                self._is_open = self._driver.enter_context(driver_open())
            gpus = inventory(self._visible) if self._is_open else ()
            self._is_open = bool(gpus)
        finally:
            self._asked_at = None
        pids = {process.pid for gpu in gpus for process in gpu.processes}
        pids |= {process.pid for gpu in gpus for mig in gpu.mig_devices for process in mig.processes}
        return Look(began, time.monotonic(), gpus, {pid: owner_of(pid) for pid in pids})
