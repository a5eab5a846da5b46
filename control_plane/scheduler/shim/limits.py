"""When an attempt that would go on has to end, and why."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from control_plane.scheduler.shim import records
from control_plane.scheduler.shim.memory import MemoryWatch

MIB = 1024 * 1024


class Reason(NamedTuple):
    """The cause of an end that we make, and what there is to say about it."""

    cause: str
    detail: str | None = None


class Limits:
    """How long an attempt may run, how long it may be silent, and how much memory it may hold."""

    def __init__(self, launch: Mapping[str, Any], memory: MemoryWatch) -> None:
        self._seconds = launch["timeout_seconds"] or math.inf
        self._idle_seconds = launch["idle_timeout_seconds"] or math.inf
        self._memory_bytes = launch["memory_bytes"]
        self._memory = memory
        self._stop_at = self._idle_at = math.inf
        self._progress_bytes = 0

    def begin(self, now: float) -> None:
        self._stop_at, self._idle_at = now + self._seconds, now + self._idle_seconds

    def heard(self, now: float) -> None:
        """It printed something."""
        self._idle_at = now + self._idle_seconds

    @property
    def due(self) -> float:
        """When to look again at the latest."""
        return min(self._stop_at, self._idle_at, self._memory.due)

    def broken(self, now: float) -> Reason | None:
        """The limit that is reached, if one is."""
        if now >= self._stop_at:
            return Reason("timed_out", f"it ran for longer than {self._seconds:g} s")
        held = self._memory.excess(now)
        if held is not None:
            asked = f"it asked for {self._memory_bytes / MIB:,.0f}"
            return Reason("out_of_memory", f"its processes held {held / MIB:,.0f} MiB of memory; {asked}")
        if now >= self._idle_at and not self._has_reported(now):
            return Reason("timed_out", f"idle: no output and no progress for {self._idle_seconds:g} s")
        return None

    def _has_reported(self, now: float) -> bool:
        """Whether its progress file has grown since this was asked last; if so the silence begins anew."""
        size = _size(Path(records.PROGRESS))
        if size == self._progress_bytes:
            return False
        self._progress_bytes = size
        self._idle_at = now + self._idle_seconds
        return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
