"""The scheduler's loop: reap what ended, rescue what was lost, look at the slots, place, launch.

Slots are claimed in a committed transaction before anything is launched. A crash in between leaves an attempt that
never ran, which the next scheduler queues again; a crash after the launch leaves a shim, which it adopts.
"""

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from functools import partial

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.engines.engine import Engine, Placed, key_of
from control_plane.scheduler.hands import Hands
from control_plane.scheduler.operations import attempts, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.rules.placement import Plan, Waiting, plan
from control_plane.scheduler.workspace import WorkspaceError
from store_client.errors import SwitchyardError
from store_client.wire.jobs import JobState, Resources

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
PAUSE_SECONDS = 0.01
"""Between two rounds: what is committed meanwhile is seen to in one."""
STOP_SECONDS = 7.0
HANDS_SECONDS = 1.5
CHUNK = 500
MOST_WAITING = 20 * CHUNK


@dataclass(frozen=True)
class Sight:
    """What one round sees, on one snapshot."""

    placed: list[RowMapping]
    waiting: list[RowMapping]
    held: dict[str, str]
    without_claim: frozenset[str]
    """Jobs whose work is of no use: the claim they worked under has ended."""


class Scheduler:
    """Keeps the slots of an engine busy, on a thread of its own."""

    def __init__(self, house: House, engine: Engine, claims: Claims) -> None:
        self._house, self._engine, self._claims = house, engine, claims
        self._hands = Hands(self.wake)
        self._explained_at = float("-inf")
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
        self._hands.give(("", 0), self._sweep)
        while not self._stopping.is_set():
            self._round()

    def _sweep(self) -> None:
        """Remove the workspaces of attempts that ended just before their scheduler did."""
        for key in self._engine.workspaces():
            live = {key_of(job) for job in self._house.read_now(attempts.placed)}
            if key not in live:
                self._engine.remove(key)

    def _round(self) -> None:
        began = time.monotonic()
        try:
            self.tick()
        except Exception:
            logger.exception("the scheduler could not finish a round; it tries again")
            self._stopping.wait(TICK_SECONDS)
        self._stopping.wait(max(0.0, began + PAUSE_SECONDS - time.monotonic()))
        assert self._wake_fd is not None  # noqa: S101 - it closes after this thread
        self._engine.wait(TICK_SECONDS, self._wake_fd, self._hands.leave)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake_fd)

    def tick(self) -> None:
        """One round over everything that holds slots, then over the queue."""
        seen = self._house.read_now(self._see)
        for job in seen.placed:
            if not self._hands.leave(key_of(job)):
                self._look_after(job, seen)
        for job in seen.waiting:
            if job["job_id"] in seen.without_claim:
                self._withdraw(job["job_id"])
        if seen.waiting:
            self._place(seen)

    def _see(self, tx: Tx) -> Sight:
        placed, waiting = attempts.placed(tx), attempts.waiting(tx, CHUNK)
        working = [job for job in (*placed, *waiting) if job["claimed_at"] is not None]
        live = self._claims.live_claims(tx, [(job["experiment_id"], job["task_id"]) for job in working])
        without = {
            job["job_id"] for job in working if live.get((job["experiment_id"], job["task_id"])) != job["claimed_at"]
        }
        return Sight(placed, waiting, attempts.held(tx), frozenset(without))

    def _look_after(self, job: RowMapping, seen: Sight) -> None:
        """See to one attempt that holds slots; a fault in it does not stop the others."""
        try:
            if job["state"] == JobState.CANCELLING:
                self._engine.cancel(job)
            elif job["job_id"] in seen.without_claim:
                self._withdraw(job["job_id"])
                return
            self._see_how_it_goes(job)
        except Exception as error:  # noqa: BLE001 - told by the rest it gets
            self._hands.rest(key_of(job), error)

    def _see_how_it_goes(self, job: RowMapping) -> None:
        status = self._engine.status(job)
        if isinstance(status, Exit):
            self._hands.give(key_of(job), lambda: self._finish(job, status))
        elif status is None:
            self._hands.give(key_of(job), lambda: self._rescue(job))
        elif job["state"] == JobState.STARTING:
            self._house.writer.write(lambda tx: attempts.start(tx, job["job_id"], job["attempt"]))

    def _withdraw(self, job_id: str) -> None:
        self._house.writer.write(lambda tx: submit.cancel(tx, job_id))

    def _finish(self, job: RowMapping, exit_: Exit) -> None:
        """An attempt has left its exit record: bring back what it made, then end it."""
        row = self._house.read_now(lambda tx: submit.load(tx, job["job_id"]))
        if row["attempt"] == job["attempt"]:
            self._end(job, self._engine.bring_back(row, exit_))

    def _rescue(self, job: RowMapping) -> None:
        """An attempt is gone without a record: make sure that nothing of it runs, then queue it again."""
        if not self._engine.clear(job):
            raise WorkspaceError("something of it still runs; its slots stay held")
        if isinstance(self._engine.status(job), Exit):
            return  # it left its record at the last moment
        if self._engine.has_begun(job):
            self._end(job, Ending("node_lost", None, "its process was gone"))
        else:
            self._end(job, Ending("preempted", None, "the server stopped before it began"))

    def _end(self, job: RowMapping, ending: Ending) -> None:
        self._house.writer.write(lambda tx: attempts.finish(tx, job["job_id"], job["attempt"], ending))
        self._engine.tidy(job)

    def _place(self, seen: Sight) -> None:
        """Give free slots to waiting jobs, commit, launch; and keep why the others wait."""
        slots = self._engine.capacity(seen.held)
        waiting = [job for job in seen.waiting if job["job_id"] not in seen.without_claim]
        made = plan(map(_as_waiting, waiting), slots, seen.held)
        last = seen.waiting
        while made.has_room and len(last) == CHUNK and len(waiting) < MOST_WAITING:
            last = self._house.read_now(partial(attempts.waiting, limit=CHUNK, behind=last[-1]))
            waiting += last
            made = plan(map(_as_waiting, waiting), slots, seen.held)
        self._start(made.placements)
        self._explain(made, waiting)

    def _start(self, placements: tuple[Placement, ...]) -> None:
        """Place all in one commit, then launch each."""
        placing = [self._house.writer.submit(partial(attempts.place, placement=one)) for one in placements]
        for placement, future in zip(placements, placing, strict=True):
            try:
                job = future.result()
            except (SwitchyardError, IntegrityError) as error:  # withdrawn or moved meanwhile, or a slot was taken
                logger.info("job %s was not placed: %s", placement.job_id, error)
            else:
                self._hands.give(key_of(job), partial(self._launch, Placed(job, placement.grants)))

    def _launch(self, placed: Placed) -> None:
        job = placed.job
        try:
            self._engine.submit(placed)
        except (WorkspaceError, SwitchyardError, OSError, ValueError) as error:
            if not self._engine.clear(job):
                raise
            self._end(job, Ending("start_failed", None, str(error)))
        else:
            self._house.writer.write(lambda tx: attempts.start(tx, job["job_id"], job["attempt"]))

    def _explain(self, made: Plan, waiting: list[RowMapping]) -> None:
        """Keep why jobs wait, at most once a second: with each start the reasons of all behind may change."""
        if time.monotonic() - self._explained_at < TICK_SECONDS:
            return
        self._explained_at = time.monotonic()
        said = {job["job_id"]: job["waiting_for"] for job in waiting}
        news = {job_id: reason for job_id, reason in made.reasons.items() if said[job_id] != reason}
        if news:
            self._house.writer.write(lambda tx: attempts.explain(tx, news))


def _as_waiting(job: RowMapping) -> Waiting:
    return Waiting(job["job_id"], job["number"], job["priority"], Resources.model_validate(job["resources"]))
