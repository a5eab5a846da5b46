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
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from control_plane.db.engine import Database
from control_plane.db.transaction import ADMIN, Caller, Tx
from store_client.errors import Unavailable

T = TypeVar("T")
Work = Callable[[Tx], Any]
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
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Tx], T]) -> "Future[T]":
        """Queue an operation; the future ends after its commit."""
        future: Future[T] = Future()
        if self._is_closed:
            future.set_exception(Unavailable("the server is stopping"))
        else:
            self._queue.put(_Waiting(work, future))
        return future

    def write(self, work: Callable[[Tx], T], caller: Caller = ADMIN, experiment_id: str = "") -> T:
        """Run one operation and wait for its commit; for loops and commands, never on an event loop."""
        return self.submit(lambda tx: work(tx.at(experiment_id, caller))).result()

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first, *self._waiting()]
            try:
                self._commit(batch)
            except (SQLAlchemyError, OSError) as error:
                logger.exception("a batch of %d writes failed", len(batch))
                self._answer_all(batch, Unavailable(f"the database did not commit: {type(error).__name__}"))

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

    def _commit(self, batch: list[_Waiting]) -> None:
        told: set[str] = set()
        with self._database.engine.connect().execution_options(is_writer=True) as connection:
            self._database.begin_writing(connection)
            now = self._database.now(connection, self._clock)
            wanted = [waiting for waiting in batch if waiting.future.set_running_or_notify_cancel()]
            answers = [(waiting, *self._attempt(connection, now, waiting.work, told)) for waiting in wanted]
            connection.commit()
        if told:
            self._committed(frozenset(told))
        for waiting, answer, error in answers:
            if error is None:
                waiting.future.set_result(answer)
            else:
                waiting.future.set_exception(error)

    def _attempt(
        self, connection: Connection, now: str, work: Work, told: set[str]
    ) -> tuple[Any, BaseException | None]:
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

    @staticmethod
    def _answer_all(batch: list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)
