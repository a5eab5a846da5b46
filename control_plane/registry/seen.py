"""When each worker was last seen: noted in memory on every request, written down now and then."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import update

from control_plane.db.tables import workers
from control_plane.db.transaction import Caller, Tx
from control_plane.db.writer import Writer
from control_plane.registry.tables import sessions

PAUSE_SECONDS = 15.0
MAX_WORKERS = 10_000
Key = tuple[str, str, str | None]
"""A scope, a worker, and the session that it acts in."""


class Seen:
    """Writes a worker's `last_seen_at` at most once in so many seconds; safe from any thread."""

    def __init__(self, writer: Writer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._writer, self._monotonic = writer, monotonic
        self._noted: dict[Key, float] = {}
        self._lock = threading.Lock()

    def note(self, caller: Caller) -> None:
        """Somebody made itself known just now."""
        if caller.worker_id.startswith("wkr_") and self._is_due(
            (caller.scope, caller.worker_id, caller.session_digest)
        ):
            self._writer.submit(lambda tx: record(tx, caller))

    def _is_due(self, worker: Key) -> bool:
        now = self._monotonic()
        with self._lock:
            last = self._noted.pop(worker, None)
            is_due = last is None or now - last >= PAUSE_SECONDS
            self._noted[worker] = now if last is None or is_due else last
            if len(self._noted) > MAX_WORKERS:
                del self._noted[next(iter(self._noted))]
        return is_due


def record(tx: Tx, caller: Caller) -> None:
    """Write that a worker was seen at the transaction's time."""
    which = (workers.c.scope == caller.scope) & (workers.c.worker_id == caller.worker_id)
    tx.connection.execute(update(workers).where(which).values(last_seen_at=tx.now))
    if caller.session_digest is not None:
        this = sessions.c.digest == caller.session_digest
        tx.connection.execute(update(sessions).where(this).values(last_seen_at=tx.now))
