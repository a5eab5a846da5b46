"""Commits of other processes: one line for each process on PostgreSQL, and one look a second at the log everywhere.

The thread that commits only leaves a word; saying it, once for all commits of some milliseconds, is done here.
"""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from control_plane.db import log
from control_plane.db.line import Line
from control_plane.edge.house import House
from store_client.errors import Unavailable

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.005
"""After a notice: what is committed meanwhile goes with the next."""


class Notices:
    """Tells the hub of a house what others committed, and others what the house did."""

    def __init__(self, house: House, look_seconds: float = LOOK_SECONDS) -> None:
        self._house, self._look_seconds = house, look_seconds
        self._position: int | None = None
        self._is_deaf = False
        self._untold: set[str] = set()
        self._lock = threading.Lock()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        if not self._house.database.is_sqlite:
            self._house.tell_others = self.tell
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._house.tell_others = lambda _experiments: None
        self._rope.send(b"!")
        if self._thread.ident is not None:
            self._thread.join()
        self._bell.close()
        self._rope.close()

    def tell(self, experiments: frozenset[str]) -> None:
        """These experiments changed; others hear of it soon."""
        with self._lock:
            is_first = not self._untold
            self._untold |= experiments
        if is_first and not self._stopping.is_set():
            self._rope.send(b"!")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._line() as line:
                    self._attend(line)
            except (SQLAlchemyError, Unavailable) as error:
                if not self._is_deaf:
                    logger.warning("commits of other processes are not heard of now: %s", error)
                self._is_deaf = True
                self._stopping.wait(self._look_seconds)

    @contextlib.contextmanager
    def _line(self) -> Iterator[Line | None]:
        """The line of this process; a file database has none."""
        if self._house.database.is_sqlite:
            yield None
            return
        line = Line(self._house.database)
        try:
            yield line
        finally:
            line.close()

    def _attend(self, line: Line | None) -> None:
        """Pass on what is said, and look at the log when it is time; the first look is at once."""
        due = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            if line is not None:
                selector.register(line, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select(max(0.0, due - time.monotonic()))
                if line is not None:
                    self._pass_on(line)
                if time.monotonic() >= due:
                    self._look()
                    due = time.monotonic() + self._look_seconds

    def _pass_on(self, line: Line) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        with self._lock:
            told, self._untold = self._untold, set()
        if told:
            line.tell(told)
            self._stopping.wait(PAUSE_SECONDS)
        heard = line.heard()
        if heard:
            self._house.hub.committed(heard)

    def _look(self) -> None:
        """Wake those for whom the log has grown, whoever wrote it."""
        known = self._position
        self._position, touched = self._house.read_now(lambda tx: log.touched_after(tx.connection, known))
        self._is_deaf = False
        if touched:
            self._house.hub.committed(frozenset(touched))
