"""An engine that does nothing at once: what is left is the queue's own work."""

import os
import select
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import RowMapping

from control_plane.scheduler.engines.engine import Key, Placed, Way, key_of
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.board import GPU_UNITS, Slot

NEVER = "1970-01-01T00:00:00.000000Z"
DONE = Exit("exited", 0, None, None, NEVER, NEVER, 0.0, 0.0, 0, 0, 0, 0)
ENDLESS = "endless"
"""A job of this name never ends."""


def slots(gpus: int) -> tuple[Slot, ...]:
    """So many GPUs and as many CPU slots."""
    cards = (Slot(f"GPU-{number}", "gpu", 80 << 30, units=GPU_UNITS, index=number) for number in range(gpus))
    return (*cards, *(Slot(f"cpu:{number}", "cpu") for number in range(gpus)))


@dataclass
class IdleEngine:
    """Attempts end as they are launched."""

    slots: Sequence[Slot]
    name: str = "idle"
    launched: dict[str, float] = field(default_factory=dict)
    """When each job was."""
    seen_off: set[str] = field(default_factory=set)
    """Jobs whose end is written."""
    _ended: set[Key] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _bell: int = field(default_factory=lambda: os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))

    def take(self) -> bool:
        return True

    def let_go(self) -> None:
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1

    def submit(self, placed: Placed) -> None:
        self.launched[placed.job["job_id"]] = time.perf_counter()
        if placed.job["name"] == ENDLESS:
            return
        with self._lock:
            self._ended.add(key_of(placed.job))
        os.eventfd_write(self._bell, 1)

    def status(self, job: RowMapping) -> Exit | bool | None:
        return DONE if key_of(job) in self._ended else True

    def has_begun(self, job: RowMapping) -> bool:
        return job["job_id"] in self.launched

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:
        """Nothing here is ever asked to stop."""

    def clear(self, _job: RowMapping) -> bool:
        return True

    def bring_back(self, _job: RowMapping, _exit: Exit) -> Ending:
        return Ending("finished", 0)

    def tidy(self, job: RowMapping) -> None:
        with self._lock:
            self._ended.discard(key_of(job))
        self.seen_off.add(job["job_id"])

    def log(self, job_id: str, attempt: int) -> Path:
        return Path("/nonexistent", job_id, str(attempt))

    def workspaces(self) -> Sequence[Key]:
        return ()

    def remove(self, key: Key) -> None:
        """There is nothing to remove."""

    def wait(self, seconds: float, wake_fd: int, leave: Callable[[Key], bool]) -> Collection[Key]:
        readable, _, _ = select.select([wake_fd, self._bell], [], [], seconds)
        if self._bell in readable:
            os.eventfd_read(self._bell)
        with self._lock:
            return [key for key in self._ended if not leave(key)]

    def wait_for_all(self, seconds: float) -> None:
        """Nothing runs."""

    def capacity(self, _held: Collection[str]) -> Sequence[Slot]:
        return self.slots
