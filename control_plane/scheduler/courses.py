"""The courses of GPUs over long stretches: adding them up takes long, so one answer serves for a while."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import samples
from store_client.wire.gpus import GpuHistory

FRESH_SECONDS = 60.0
"""A point of a long stretch stands for ten minutes; it may be so much behind."""
KEPT = 4
Key = tuple[tuple[str, ...], float]
Found = tuple[GpuHistory, ...]


@dataclass
class Courses:
    """From any thread; of a short stretch nothing is kept."""

    _kept: dict[Key, tuple[float, Found]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, tx: Tx, uuids: Sequence[str], minutes: float) -> Found:
        """What these GPUs read, over a long stretch as it was a moment ago."""
        if minutes <= samples.LONG_MINUTES:
            return samples.courses(tx, uuids, minutes)
        key = tuple(uuids), minutes
        with self._lock:
            read_at, found = self._kept.get(key, (float("-inf"), ()))
            if time.monotonic() - read_at > FRESH_SECONDS:
                found = samples.courses(tx, uuids, minutes)
                self._kept.pop(key, None)
                while len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = time.monotonic(), found
            return found
