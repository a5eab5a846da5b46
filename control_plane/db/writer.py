"""The writer: one thread that turns waiting operations into group commits.

Where several operations share a transaction each has a savepoint, so that one that fails takes only itself back.
Answers are given after COMMIT: an acknowledged write is durable, and nothing is readable before its events.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from control_plane.db.batch import Batch
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
    future: "Future[Any] | asyncio.Future[Any]"

    @property
    def is_wanted(self) -> bool:
        """Whether nobody has cancelled it; a thread's future cannot be cancelled from here on."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


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
        self._queue: queue.SimpleQueue[tuple[_Waiting, ...] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Tx], T]) -> "Future[T]":
        """Queue an operation; the future ends after its commit."""
        future: Future[T] = Future()
        self._enqueue(_Waiting(work, future))
        return future

    def submit_all(self, works: Sequence[Callable[[Tx], T]]) -> "list[Future[T]]":
        """Queue operations, in this order, for one commit; a few hundred at most, so that others get their turn."""
        waiting = [_Waiting(work, Future[T]()) for work in works]
        self._enqueue(*waiting)
        return [one.future for one in waiting if isinstance(one.future, Future)]

    def submit_here(self, work: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """The same for the running event loop; all who wait there for one commit are woken together."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enqueue(_Waiting(work, future))
        return future

    def _enqueue(self, *waiting: _Waiting) -> None:
        with self._lock:  # nothing may queue up behind the word that ends the thread
            if not self._is_closed:
                self._queue.put(waiting)
                return
        for one in waiting:
            one.future.set_exception(Unavailable("the server is stopping"))

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
            batch = [one for one in (*first, *self._waiting(BATCH_LIMIT - len(first))) if one.is_wanted]
            if batch:
                self._see_to(batch)
        self._let_go()

    def _see_to(self, batch: list[_Waiting]) -> None:
        """Commit a batch and answer everybody in it; whatever goes wrong, the next batch gets its turn."""
        try:
            answers, told = self._commit(batch)
        except Exception as error:
            logger.exception("a batch of %d writes failed", len(batch))
            unknown = Unavailable(f"the database did not say that it committed: {type(error).__name__}")
            answers, told = [(None, unknown)] * len(batch), frozenset({DEPLOYMENT})
            # It may have committed, so whoever waits looks again; on another connection, whose state is known.
            self._let_go(is_broken=True)
        if told:
            self._tell(told)
        self._answer(zip(batch, answers, strict=True))

    def _tell(self, told: frozenset[str]) -> None:
        try:
            self._committed(told)
        except Exception:
            logger.exception("somebody who listens for commits failed; the commit stands")

    def _answer(self, answers: Iterable[tuple[_Waiting, Answer]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Answer]]] = {}
        for waiting, answer in answers:
            if isinstance(waiting.future, Future):
                _settle(waiting.future, answer)
            else:
                by_loop.setdefault(waiting.future.get_loop(), []).append((waiting.future, answer))
        for loop, answered in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_settle_all, answered)

    def _waiting(self, room: int) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while len(batch) < room:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            batch += item
        return batch

    def _commit(self, waiting: list[_Waiting]) -> tuple[list[Answer], frozenset[str]]:
        connection, now = self._begin()
        batch = Batch(connection, now, self._mint)
        if len(waiting) == 1:
            answers = [self._attempt(batch, waiting[0].work, connection.rollback)]
        else:
            answers = self._attempt_all(batch, waiting)
        batch.write_down()
        connection.commit()
        return answers, batch.told

    def _begin(self) -> tuple[Connection, str]:
        """A connection on which a transaction has begun, and its time; one that has meanwhile broken is replaced."""
        if self._connection is not None:
            try:
                return self._connection, self._database.begin_writing(self._connection, self._clock)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self._let_go(is_broken=True)
        self._connection = self._database.engine.connect().execution_options(is_writer=True)
        return self._connection, self._database.begin_writing(self._connection, self._clock)

    def _let_go(self, *, is_broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if is_broken:
                connection.invalidate()
            connection.close()

    def _attempt_all(self, batch: Batch, waiting: list[_Waiting]) -> list[Answer]:
        answers = []
        savepoint = self._database.savepoint(batch.bare)
        for one in waiting:
            savepoint.set()
            answers.append(self._attempt(batch, one.work, savepoint.return_to))
        return answers

    def _attempt(self, batch: Batch, work: Work, take_back: Callable[[], None]) -> Answer:
        batch.begin()
        try:
            return work(Tx(batch)), None
        except BaseException as error:  # whatever an operation raises is its own caller's answer
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            take_back()
            batch.take_back()
            # An event loop's future would not take a StopIteration for an answer.
            return None, RuntimeError("an operation ran out") if isinstance(error, StopIteration) else error


def _settle(future: "Future[Any] | asyncio.Future[Any]", answer: Answer) -> None:
    result, refusal = answer
    if refusal is None:
        future.set_result(result)
    else:
        future.set_exception(refusal)


def _settle_all(answered: list[tuple["asyncio.Future[Any]", Answer]]) -> None:
    for future, answer in answered:
        if not future.done():  # its waiter may have gone
            _settle(future, answer)
