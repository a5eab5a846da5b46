"""Slow work for attempts beside the loop: one hand at an attempt, and a rest after one that failed."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

logger = logging.getLogger(__name__)
Key = tuple[str, int]
HANDS = 4
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 30.0


class Hands:
    """A few threads; `done` is called after each piece of work that went well."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._working: dict[Key, Future[None]] = {}
        self._resting: dict[Key, tuple[float, float]] = {}
        self._pool = ThreadPoolExecutor(max_workers=HANDS, thread_name_prefix="scheduler-hand")

    def leave(self, key: Key) -> bool:
        """Whether to leave an attempt alone for now: a hand is at it, or it rests after a fault."""
        with self._lock:
            until, _ = self._resting.get(key, (0.0, 0.0))
            return key in self._working or time.monotonic() < until

    def give(self, key: Key, work: Callable[[], None]) -> None:
        """Do a piece of work for an attempt."""
        with self._lock:
            future = self._working[key] = self._pool.submit(work)
        future.add_done_callback(lambda ended: self._ended(key, ended))

    def rest(self, key: Key, error: BaseException) -> None:
        """Leave an attempt alone for a while, longer each time."""
        with self._lock:
            _, last = self._resting.get(key, (0.0, 0.0))
            pause = min(2 * last or FIRST_REST_SECONDS, LONGEST_REST_SECONDS)
            self._resting[key] = time.monotonic() + pause, pause
        logger.error("attempt %s/%d could not be seen to; next try in %g s", *key, pause, exc_info=error)

    def stop(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self, seconds: float) -> bool:
        """Whether all work has ended within so many seconds."""
        with self._lock:
            working = list(self._working.values())
        return not wait(working, seconds).not_done

    def _ended(self, key: Key, ended: "Future[None]") -> None:
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            self.rest(key, error)
        with self._lock:
            del self._working[key]
            if error is None:
                self._resting.pop(key, None)
        if error is None:
            self._done()
