"""How much memory an attempt holds, looked at twice a second where no control group bounds it."""

import math
import os
from collections.abc import Callable, Iterable

from control_plane.scheduler.shim.process_table import read_bytes

LOOK_SECONDS = 0.5
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


class MemoryWatch:
    """The sum over a family of processes, and whether it is beyond what was asked for; 0 bytes is no limit."""

    def __init__(self, limit_bytes: int, family: Callable[[], Iterable[int]]) -> None:
        self.peak_bytes = 0
        self.due = 0.0 if limit_bytes else math.inf
        self._limit_bytes, self._family = limit_bytes, family

    def excess(self, now: float) -> int | None:
        """How much is held, if that is too much.

        What processes share counts once for each of them in the quick sum, so a sum that is too large is taken again,
        with each shared page in parts: that takes longer, and is asked only then.
        """
        if now < self.due:
            return None
        self.due = now + LOOK_SECONDS
        pids = list(self._family())
        held = sum(map(_resident_bytes, pids))
        if held > self._limit_bytes:
            held = sum(map(_proportional_bytes, pids))
        self.peak_bytes = max(self.peak_bytes, held)
        return held if held > self._limit_bytes else None


def _resident_bytes(pid: int) -> int:
    try:
        return int(read_bytes(f"/proc/{pid}/statm").split()[1]) * PAGE_BYTES
    except (*GONE, IndexError):
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        words = read_bytes(f"/proc/{pid}/smaps_rollup").split()
        return int(words[words.index(b"Pss:") + 1]) * 1024
    except PermissionError:
        return _resident_bytes(pid)
    except (*GONE, ValueError):
        return 0
