"""The scheduler's thread: a round whenever something happens, and now and then one over everything.

Slots are claimed in a committed transaction before anything is launched. A crash in between leaves an attempt that
never ran, which the next scheduler queues again; a crash after the launch leaves an attempt, which it adopts.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Collection

from control_plane.edge.house import House
from control_plane.scheduler.engines.engine import Engine, Key
from control_plane.scheduler.hands import Hands
from control_plane.scheduler.operations import attempts
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.rounds import Rounds
from control_plane.scheduler.rules.board import Situation
from control_plane.scheduler.rules.planning import Plan

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
PAUSE_SECONDS = 0.01
"""After a round that found nothing to do: what is committed meanwhile is heard of in one."""
STOP_SECONDS = 7.0
HANDS_SECONDS = 1.5


class Scheduler:
    """Keeps the slots of an engine busy, on a thread of its own."""

    def __init__(self, house: House, engine: Engine, claims: Claims, hands: Hands | None = None) -> None:
        self._house, self._engine = house, engine
        self._hands = hands or Hands(self.wake)
        self._rounds = Rounds(house, engine, claims, self._hands)
        self._swept_at = float("-inf")
        self._lock = threading.Lock()
        self._wake_fd: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        self._house.hub.listen(self.tell)
        self._thread.start()

    def tell(self, _experiments: frozenset[str]) -> None:
        """Something was committed; a job may wait, or may have to stop."""
        self.wake()

    def wake(self) -> None:
        """Look at the queue now; safe from any thread, at any time."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._wake_fd is not None:
                os.eventfd_write(self._wake_fd, 1)

    def look_again(self) -> None:
        """A slot is not what it was; safe from any thread, at any time."""
        self._rounds.decisions.look_again()
        self.wake()

    def latest(self) -> tuple[Situation, Plan] | None:
        """What was decided last and on what, at most a second ago; None before the first plan. From any thread."""
        return self._rounds.decisions.latest()

    def stop(self, *, ends_attempts: bool = False) -> None:
        """Stop placing; the attempts run on for the next scheduler, or are ended and then queued again by it."""
        self._house.hub.forget(self.tell)
        self._stopping.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._hands.stop()
        if ends_attempts:
            self._end_attempts()
        if not self._hands.wait(HANDS_SECONDS):
            logger.warning("a workspace was still being seen to; the next scheduler goes on from there")
        self._engine.let_go()
        with self._lock:  # its number may soon be another file's
            fd, self._wake_fd = self._wake_fd, None
        if fd is not None:
            os.close(fd)

    def _end_attempts(self) -> None:
        self._house.writer.write(attempts.preempt_all)
        for job in self._house.read_now(attempts.placed):
            self._engine.cancel(job)
        self._engine.wait_for_all(STOP_SECONDS)

    def _run(self) -> None:
        while not self._engine.take():  # another scheduler works here; this one stands by
            if self._stopping.wait(TICK_SECONDS):
                return
        self._hands.give(("", 0), self._rounds.sweep)
        ended: Collection[Key] = ()
        while not self._stopping.is_set():
            ended = self._round(ended)

    def _round(self, ended: Collection[Key]) -> Collection[Key]:
        """One round, and the wait for the next; the attempts that ended meanwhile."""
        began = time.monotonic()
        try:
            is_due = began - self._swept_at >= TICK_SECONDS
            self.tick(ended, everything=is_due)
            self._swept_at = began if is_due else self._swept_at
        except Exception:
            logger.exception("the scheduler could not finish a round; it tries again")
            self._stopping.wait(TICK_SECONDS)
        return self._wait(began)

    def _wait(self, began: float) -> Collection[Key]:
        if not self._rounds.is_busy:
            self._stopping.wait(max(0.0, began + PAUSE_SECONDS - time.monotonic()))
        assert self._wake_fd is not None  # noqa: S101 - it closes after this thread
        left = max(0.0, self._swept_at + TICK_SECONDS - time.monotonic())
        seconds = 0.0 if self._rounds.is_behind else self._rounds.until_next(min(left, TICK_SECONDS))
        ended = self._engine.wait(seconds, self._wake_fd, self._hands.leave)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake_fd)
        return ended

    def tick(self, ended: Collection[Key] = (), *, everything: bool = True) -> None:
        """One round: over these attempts and what else has changed, or over everything that holds slots."""
        self._rounds.tick(ended, everything=everything)
