"""Databases: the one place that knows how SQLite and PostgreSQL differ."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from control_plane.db.decoding import decode

WRITER_LOCK = 0x5357_4259  # any constant: the advisory lock that serialises the writers of all processes
TRUSTED_SECONDS = 1.0
"""A connection that was in use so lately is lent again without asking whether its server is still there."""

_TIME = text("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
# The lock is waited for first, and then the clock is read.
_LOCK = text(f"WITH mine AS MATERIALIZED (SELECT pg_advisory_xact_lock(:key)) {_TIME} FROM mine")  # noqa: S608 - made of two constants


@dataclass(frozen=True)
class Database:
    """An open database: many readers, and one writing connection at a time."""

    engine: Engine
    url: URL
    _reader: Engine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        object.__setattr__(self, "_reader", self.engine.execution_options(**options))

    @classmethod
    def open(cls, url: str, *, readers: int = 8) -> "Database":
        """Open a database by URL (`sqlite:///file` or `postgresql+psycopg://…`); it must be migrated already."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return cls(_sqlite(parsed, readers), parsed)
        return cls(_postgresql(parsed, readers), parsed)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on one consistent snapshot; nothing it writes is kept."""
        with self._reader.connect() as connection:
            connection.begin()
            yield connection

    def begin_writing(self, connection: Connection, clock: Callable[[], str]) -> str:
        """Begin a write transaction as the only writer of this database; the time of the database's machine.

        A file database shares our clock.
        """
        if self.is_sqlite:
            connection.begin()
            return clock()
        return str(connection.scalar(_LOCK, {"key": WRITER_LOCK}))

    def now(self, connection: Connection, clock: Callable[[], str]) -> str:
        """The time of the database's machine; a file database shares ours."""
        return clock() if self.is_sqlite else str(connection.scalar(_TIME))

    def savepoint(self, connection: Connection) -> "Savepoint":
        """Savepoints in the transaction of a connection."""
        return Savepoint(connection.connection.driver_connection, "sqlite" if self.is_sqlite else "postgresql")

    def close(self) -> None:
        self.engine.dispose()


class Savepoint:
    """One savepoint, set again and again, by the driver itself: there is one for every operation."""

    def __init__(self, driver: Any, kind: str) -> None:
        self._execute = driver.execute
        self._again = ("RELEASE o; SAVEPOINT o",) if kind == "postgresql" else ("RELEASE o", "SAVEPOINT o")
        self._is_set = self._is_fresh = False

    def set(self) -> None:
        """What follows can be taken back."""
        if not self._is_fresh:
            for statement in self._again if self._is_set else ("SAVEPOINT o",):
                self._execute(statement).close()
        self._is_set, self._is_fresh = True, False

    def return_to(self) -> None:
        """Take back what followed; the savepoint stands where it stood."""
        self._execute("ROLLBACK TO o").close()
        self._is_fresh = True


def time_of(connection: Connection, ours: str) -> str:
    """The database's time for a reader whose own clock says `ours`; a file database shares ours."""
    return ours if connection.dialect.name == "sqlite" else str(connection.scalar(_TIME))


def is_out_of_reach(error: SQLAlchemyError) -> bool:
    """Whether an error says that there was no connection, or that it broke; not that a statement was wrong."""
    if isinstance(error, DBAPIError):
        # A server that cannot be reached has no SQLSTATE to give; SQLite's errors have no such thing at all.
        return error.connection_invalidated or getattr(error.orig, "sqlstate", "") is None
    return isinstance(error, PoolTimeout)


def _postgresql(url: URL, readers: int) -> Engine:
    engine = create_engine(url, pool_size=readers + 1, max_overflow=4, json_deserializer=decode)

    def returned(_driver: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["returned_at"] = time.monotonic()

    def lent(driver: DBAPIConnection, record: ConnectionPoolEntry, _lent: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get("returned_at", time.monotonic()) > TRUSTED_SECONDS:
            try:
                engine.dialect.do_ping(driver)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool makes another

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", lent)
    return engine


def _sqlite(url: URL, readers: int) -> Engine:
    here = {"check_same_thread": False, "timeout": 30}
    engine = create_engine(url, pool_size=readers + 1, max_overflow=8, connect_args=here, json_deserializer=decode)

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        # By the driver itself: every request begins a transaction. A reader's pins its snapshot.
        statement = "BEGIN IMMEDIATE" if connection.get_execution_options().get("is_writer") else "BEGIN"
        driver: Any = connection.connection.driver_connection
        driver.execute(statement).close()

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine
