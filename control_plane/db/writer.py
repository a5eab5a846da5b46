"""The writer: one thread that turns waiting operations into group commits.

Every operation runs in a SAVEPOINT of the batch's transaction, so one that fails takes only itself back. Answers are
given after COMMIT: an acknowledged write is durable, and nothing is readable before its events.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from control_plane.db.engine import Database
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import ADMIN, Caller, Tx
from store_client.errors import Unavailable

T = TypeVar("T")
Work = Callable[[Tx], Any]
Answer = tuple[Any, BaseException | None]
logger = logging.getLogger(__name__)
BATCH_LIMIT = 256


@dataclass(frozen=True)
class _Waiting:
    work: Work
    future: "Future[Any]"


class Writer:
    """Runs operations one after the other on one thread and commits all that wait together."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], str],
        mint: Callable[[str], str],
        committed: Callable[[frozenset[str]], None] = lambda _experiments: None,
    ) -> None:
        self._database, self._clock, self._mint, self._committed = database, clock, mint, committed
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._is_closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Tx], T]) -> "Future[T]":
        """Queue an operation; the future ends after its commit."""
        future: Future[T] = Future()
        with self._lock:  # nothing may queue up behind the word that ends the thread
            if not self._is_closed:
                self._queue.put(_Waiting(work, future))
                return future
        future.set_exception(Unavailable("the server is stopping"))
        return future

    def write(self, work: Callable[[Tx], T], caller: Caller = ADMIN, experiment_id: str = "") -> T:
        """Run one operation and wait for its commit; for loops and commands, never on an event loop."""
        return self.submit(lambda tx: work(tx.at(experiment_id, caller))).result()

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            # From here on none of these can be cancelled, so that answering them cannot fail.
            batch = [one for one in (first, *self._waiting()) if one.future.set_running_or_notify_cancel()]
            if batch:
                self._see_to(batch)

    def _see_to(self, batch: list[_Waiting]) -> None:
        """Commit a batch and answer everybody in it; whatever goes wrong, the next batch gets its turn."""
        told: set[str] = set()
        try:
            answers = self._commit(batch, told)
        except Exception as error:
            logger.exception("a batch of %d writes failed", len(batch))
            unknown = Unavailable(f"the database did not say that it committed: {type(error).__name__}")
            answers = [(None, unknown)] * len(batch)
            told.add(DEPLOYMENT)  # it may have: whoever waits looks again
        if told:
            self._tell(frozenset(told))
        for waiting, (answer, refusal) in zip(batch, answers, strict=True):
            if refusal is None:
                waiting.future.set_result(answer)
            else:
                waiting.future.set_exception(refusal)

    def _tell(self, told: frozenset[str]) -> None:
        try:
            self._committed(told)
        except Exception:
            logger.exception("somebody who listens for commits failed; the commit stands")

    def _waiting(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while len(batch) < BATCH_LIMIT - 1:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            batch.append(item)
        return batch

    def _commit(self, batch: list[_Waiting], told: set[str]) -> list[Answer]:
        with self._database.engine.connect().execution_options(is_writer=True) as connection:
            self._database.begin_writing(connection)
            now = self._database.now(connection, self._clock)
            answers = [self._attempt(connection, now, waiting.work, told) for waiting in batch]
            connection.commit()
        return answers

    def _attempt(self, connection: Connection, now: str, work: Work, told: set[str]) -> Answer:
        savepoint = connection.begin_nested()
        tx = Tx(connection, now, self._mint)
        try:
            answer = work(tx)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            savepoint.rollback()
            return None, error
        except BaseException as error:  # noqa: BLE001 - whatever an operation raises is its own caller's answer
            savepoint.rollback()
            return None, error
        savepoint.commit()
        told.update(tx.told)
        return answer, None
