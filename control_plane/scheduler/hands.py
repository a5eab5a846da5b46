"""Slow work for attempts beside the loop: one hand at an attempt, and a rest after one that failed."""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import Any

from control_plane.scheduler.engines.engine import Key

logger = logging.getLogger(__name__)
FEWEST_HANDS, MOST_HANDS = 4, 32
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 30.0
Work = Callable[[], Any]


def hands_for(cores: int) -> int:
    """How many attempts are seen to at a time: most of the work is waiting for git and for processes."""
    return max(FEWEST_HANDS, min(2 * cores, MOST_HANDS))


class Hands:
    """A few threads; `done` is called after each piece of work that went well.

    What the work answers waits to be taken, and until then its attempt is left alone.
    """

    def __init__(self, done: Callable[[], None], pool: Executor | None = None) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._working: dict[Key, Future[Any]] = {}
        self._answers: list[tuple[Key, Any]] = []
        self._resting: dict[Key, tuple[float, float]] = {}
        self._pool = pool or ThreadPoolExecutor(hands_for(os.cpu_count() or 1), thread_name_prefix="scheduler-hand")

    def leave(self, key: Key) -> bool:
        """Whether to leave an attempt alone for now: a hand is at it, or it rests after a fault."""
        with self._lock:
            until, _ = self._resting.get(key, (0.0, 0.0))
            return key in self._working or time.monotonic() < until

    def give(self, key: Key, work: Work) -> None:
        """Do a piece of work for an attempt."""
        with suppress(RuntimeError):  # once it has stopped nothing more is begun
            with self._lock:
                future = self._working[key] = self._pool.submit(work)
            future.add_done_callback(partial(self._ended, key))

    def take(self) -> list[tuple[Key, Any]]:
        """What was answered since the last time."""
        with self._lock:
            answers, self._answers = self._answers, []
            for key, _ in answers:
                self._working.pop(key, None)
        return answers

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

    def _ended(self, key: Key, ended: "Future[Any]") -> None:
        if ended.cancelled():
            with self._lock:
                self._working.pop(key, None)
            return
        error = ended.exception()
        if error is not None:
            self.rest(key, error)
        with self._lock:
            if error is None:
                self._resting.pop(key, None)
            answer = None if error is not None else ended.result()
            if answer is None:
                self._working.pop(key, None)
            else:
                self._answers.append((key, answer))
        if error is None:
            self._done()
