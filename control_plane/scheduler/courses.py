"""The courses of GPUs over long stretches: adding them up takes long, so what was added up once is kept."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import samples
from store_client.wire.gpus import GpuHistory
from store_client.wire.scalars import format_time, parse_time

FRESH_SECONDS = 60.0
"""A point of a long stretch stands for ten minutes; it may be so much behind."""
LATE = timedelta(minutes=1)
"""A sample is written within so long after the moment that it names."""
KEPT = 4
Key = tuple[tuple[str, ...], float]
Found = tuple[GpuHistory, ...]


@dataclass(frozen=True)
class _Kept:
    """What was found, and since when: of what came before that moment nothing changes any more."""

    at: float = float("-inf")
    until: str = ""
    found: Found = ()


@dataclass
class Courses:
    """From any thread; of a short stretch nothing is kept."""

    _kept: dict[Key, _Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, tx: Tx, uuids: Sequence[str], minutes: float) -> Found:
        """What these GPUs read, over a long stretch as it was a moment ago."""
        if minutes <= samples.LONG_MINUTES:
            return samples.courses(tx, uuids, minutes)
        key = tuple(uuids), minutes
        with self._lock:
            kept = self._kept.get(key, _Kept())
            if time.monotonic() - kept.at > FRESH_SECONDS:
                kept = _Kept(time.monotonic(), samples.stretch_of(tx.now, LATE), _gone_on(tx, key, kept))
                self._kept.pop(key, None)
                while len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = kept
            return kept.found


def _gone_on(tx: Tx, key: Key, kept: _Kept) -> Found:
    """What was found before, without what is too old by now, and with what came since."""
    uuids, minutes = key
    oldest = format_time(parse_time(tx.now) - timedelta(minutes=minutes))
    newer = {one.uuid: one for one in samples.courses(tx, uuids, minutes, kept.until)}
    older = {one.uuid: one for one in kept.found}
    found = []
    for uuid in dict.fromkeys((*older, *newer)):
        was = older[uuid].samples if uuid in older else ()
        stays = tuple(sample for sample in was if oldest <= sample.at < kept.until)
        one = newer.get(uuid) or older[uuid]
        found.append(one.having(samples=stays + (newer[uuid].samples if uuid in newer else ())))
    return tuple(one for one in found if one.samples)
