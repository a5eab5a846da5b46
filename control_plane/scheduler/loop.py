"""The scheduler's loop: reap what ended, rescue what was lost, look at the slots, place, launch.

Slots are claimed in a committed transaction before anything is launched. A crash in between leaves an attempt that
never ran, which the next scheduler queues again; a crash after the launch leaves a shim, which it adopts.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.engines.local import LocalEngine, Placed
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.operations import attempts, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.placement import Placement, Waiting, plan
from control_plane.scheduler.workspace import WorkspaceError
from store_client.errors import SwitchyardError
from store_client.wire.jobs import JobState, Resources

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
STOP_SECONDS = 7.0


class Scheduler:
    """Keeps this machine's slots busy, on a thread of its own."""

    def __init__(self, house: House, engine: LocalEngine, inventory: Inventory, claims: Claims) -> None:
        self._house, self._engine, self._inventory, self._claims = house, engine, inventory, claims
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._hands = ThreadPoolExecutor(max_workers=4, thread_name_prefix="scheduler")
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self, _experiments: frozenset[str]) -> None:
        """Something was committed; a job may wait, or may have to stop."""
        self.wake()

    def wake(self) -> None:
        """Look at the queue now; safe from any thread."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake_fd, 1)

    def stop(self, *, ends_attempts: bool = False) -> None:
        """Stop placing; the attempts run on for the next scheduler, or are ended and then queued again by it."""
        self._stopping.set()
        self.wake()
        self._thread.join()
        self._hands.shutdown(cancel_futures=True)
        if ends_attempts:
            self._end_attempts()
        os.close(self._wake_fd)

    def _end_attempts(self) -> None:
        placed = self._house.read_now(attempts.placed)
        for job in placed:
            self._engine.cancel(job)
        self._engine.wait_for_all(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tick()
            except Exception:
                logger.exception("the scheduler could not finish a round; it tries again")
                self._stopping.wait(TICK_SECONDS)
            self._engine.wait(TICK_SECONDS, self._wake_fd)
            with contextlib.suppress(OSError):
                os.eventfd_read(self._wake_fd)

    def tick(self) -> None:
        """One round over everything that holds slots, then over the queue."""
        for job in self._house.read_now(attempts.placed):
            self._look_after(job)
        self._place()

    def _look_after(self, job: RowMapping) -> None:
        """See to one attempt that holds slots, unless a hand is at it already."""
        with self._lock:
            if job["job_id"] in self._busy:
                return
        if job["state"] == JobState.CANCELLING:
            self._engine.cancel(job)
        elif self._has_lost_its_task(job):
            self._house.writer.write(lambda tx: submit.cancel(tx, job["job_id"]))
            return
        if job["job_id"] not in self._engine.handles:
            self._engine.adopt(job)
        status = self._engine.status(job)
        if isinstance(status, Exit):
            self._hand(job, lambda: self._finish(job, status))
        elif status is None:
            self._hand(job, lambda: self._rescue(job))
        elif job["state"] == JobState.STARTING:
            self._house.writer.write(lambda tx: attempts.start(tx, job["job_id"], job["attempt"]))

    def _has_lost_its_task(self, job: RowMapping) -> bool:
        """Whether the claim that a job works under has ended: its result would be of no use."""
        if job["task_id"] is None or job["claimed_at"] is None:
            return False

        def claimed_at(tx: Tx) -> str | None:
            claim = self._claims.live_claim(tx.at(job["experiment_id"]), job["task_id"])
            return claim[1] if claim is not None else None

        return bool(self._house.read_now(claimed_at) != job["claimed_at"])

    def _hand(self, job: RowMapping, work: Callable[[], None]) -> None:
        """Do slow work for a job beside the loop, one hand at a time."""
        with self._lock:
            self._busy.add(job["job_id"])

        def done() -> None:
            try:
                work()
            except Exception:
                logger.exception("job %s: its attempt could not be seen to; the next round tries again", job["number"])
            finally:
                with self._lock:
                    self._busy.discard(job["job_id"])
                self.wake()

        self._hands.submit(done)

    def _finish(self, job: RowMapping, exit_: Exit) -> None:
        """An attempt has left its exit record: bring back what it made, then end it."""
        try:
            ending = self._engine.bring_back(job, exit_)
        except (WorkspaceError, SwitchyardError) as error:
            ending = Ending("user_error", exit_.exit_code, str(error))
        if ending.cause == "cancelled" and job["state"] != JobState.CANCELLING:
            ending = Ending("node_lost", exit_.exit_code, "stopped with the server; it is queued again")
        self._end(job, ending)

    def _rescue(self, job: RowMapping) -> None:
        """An attempt is gone without a record: make sure that nothing of it runs, then queue it again."""
        if not self._engine.clear(job):
            logger.warning("job %s: something of it still runs; its slots stay held", job["number"])
            return
        if not self._engine.adopt(job):
            self._end(job, Ending("node_lost", None, "its process was gone; it is queued again"))

    def _end(self, job: RowMapping, ending: Ending) -> None:
        self._house.writer.write(lambda tx: attempts.finish(tx, job["job_id"], job["attempt"], ending))
        self._engine.tidy(job)

    def _place(self) -> None:
        """Give free slots to waiting jobs, commit, launch; and keep why the others wait."""
        waiting = self._house.read_now(attempts.waiting)
        if not waiting:
            return
        held = self._house.read_now(attempts.held)
        slots, _readings = self._inventory.look(set(held))
        made = plan([_as_waiting(job) for job in waiting], slots, held)
        for placement in made.placements:
            self._start(placement)
        said = {job["job_id"]: job["waiting_for"] for job in waiting}
        news = {job_id: reason for job_id, reason in made.reasons.items() if said.get(job_id) != reason}
        if news:
            self._house.writer.write(lambda tx: attempts.explain(tx, news))

    def _start(self, placement: Placement) -> None:
        try:
            job = self._house.writer.write(lambda tx: attempts.place(tx, placement))
        except SwitchyardError as error:  # withdrawn or moved meanwhile
            logger.info("job %s was not placed: %s", placement.job_id, error)
            return
        self._hand(job, lambda: self._launch(Placed(job, placement.slots)))

    def _launch(self, placed: Placed) -> None:
        job = placed.job
        try:
            self._engine.submit(placed)
        except (WorkspaceError, SwitchyardError, OSError) as error:
            self._end(job, Ending("start_failed", None, str(error)))
            return
        self._house.writer.write(lambda tx: attempts.start(tx, job["job_id"], job["attempt"]))


def _as_waiting(job: RowMapping) -> Waiting:
    resources = Resources.model_validate(job["spec"]["resources"])
    return Waiting(job["job_id"], job["number"], job["priority"], resources)
