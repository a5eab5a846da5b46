"""Who of a deployment's processes lives: a name is held for as long as its process does, and by nobody else.

PostgreSQL (a session's advisory lock) or the kernel (a lock on a file beside SQLite's) lets go of it with the process.
"""

import fcntl
import hashlib
import os
from abc import ABC, abstractmethod
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from control_plane.db.engine import Database


class Presence(ABC):
    """A name that this process holds."""

    @abstractmethod
    def is_kept(self) -> bool:
        """Whether it is still held: a connection may have broken, and somebody else may hold the name now."""

    @abstractmethod
    def let_go(self) -> None: ...


def take(database: Database, name: str) -> Presence | None:
    """Hold a name until the process ends; None when another process holds it."""
    return _take_file(database, name) if database.is_sqlite else _take_session(database, name)


def is_free(database: Database, connection: Connection, name: str) -> bool:
    """Whether nobody holds a name; on PostgreSQL nobody can take it before the connection's transaction ends."""
    if database.is_sqlite:
        held = _take_file(database, name)
        if held is not None:
            held.let_go()
        return held is not None
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _key(name)}))


def _take_file(database: Database, name: str) -> Presence | None:
    file = Path(f"{database.url.database}-{name}.lock")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return _File(descriptor)


def _take_session(database: Database, name: str) -> Presence | None:
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()  # it is not for lending out, and a pool that is closed leaves it alone
    if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(name)}):
        return _Session(connection)
    connection.close()
    return None


def _key(name: str) -> int:
    """The number by which PostgreSQL knows a name."""
    return int.from_bytes(hashlib.sha256(f"switchyard {name}".encode()).digest()[:8], signed=True)


class _File(Presence):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def is_kept(self) -> bool:
        return self._descriptor >= 0

    def let_go(self) -> None:
        if self.is_kept():
            os.close(self._descriptor)
            self._descriptor = -1


class _Session(Presence):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_kept(self) -> bool:
        try:
            return bool(self._connection.scalar(text("SELECT 1")))
        except SQLAlchemyError:
            return False

    def let_go(self) -> None:
        self._connection.close()
