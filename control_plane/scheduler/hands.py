"""Slow work for attempts beside the loop: one hand at an attempt, and a rest after one that failed."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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

    What the work answers waits to be taken, and until then its attempt is left alone. A thread that is called works off
    whatever waits: many short pieces of work cost one call.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._has_rested = threading.Condition(self._lock)
        self._waiting: deque[tuple[Key, Work]] = deque()
        self._working: set[Key] = set()
        self._busy = 0
        self._is_stopped = False
        self._answers: list[tuple[Key, Any]] = []
        self._resting: dict[Key, tuple[float, float]] = {}
        self._count = hands_for(os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="scheduler-hand")

    def leave(self, key: Key) -> bool:
        """Whether to leave an attempt alone for now: a hand is at it, or it rests after a fault."""
        with self._lock:
            until, _ = self._resting.get(key, (0.0, 0.0))
            return key in self._working or time.monotonic() < until

    def give(self, key: Key, work: Work) -> None:
        """Do a piece of work for an attempt; once it has stopped nothing more is begun."""
        with self._lock:
            if self._is_stopped:
                return
            self._working.add(key)
            self._waiting.append((key, work))
            if self._busy < self._count:
                with suppress(RuntimeError):  # the interpreter ends, and begins nothing more
                    self._pool.submit(self._work_off)
                    self._busy += 1

    def take(self) -> list[tuple[Key, Any]]:
        """What was answered since the last time."""
        with self._lock:
            answers, self._answers = self._answers, []
            self._working.difference_update(key for key, _ in answers)
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
        with self._lock:
            self._is_stopped = True
            self._working.difference_update(key for key, _ in self._waiting)
            self._waiting.clear()
        self._pool.shutdown(wait=False)

    def wait(self, seconds: float) -> bool:
        """Whether all work has ended within so many seconds."""
        with self._has_rested:
            return self._has_rested.wait_for(lambda: not self._busy, seconds)

    def _work_off(self) -> None:
        """See to what waits until nothing does."""
        while (given := self._next()) is not None:
            key, work = given
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 - a fault in one attempt does not stop the others: it rests
                self._failed(key, error)
            else:
                self._succeeded(key, answer)

    def _next(self) -> tuple[Key, Work] | None:
        with self._has_rested:
            if self._waiting:
                return self._waiting.popleft()
            self._busy -= 1
            if not self._busy:
                self._has_rested.notify_all()
            return None

    def _failed(self, key: Key, error: BaseException) -> None:
        self.rest(key, error)
        with self._lock:
            self._working.discard(key)

    def _succeeded(self, key: Key, answer: Any) -> None:
        with self._lock:
            self._resting.pop(key, None)
            if answer is None:
                self._working.discard(key)
            else:
                self._answers.append((key, answer))
        self._done()
