"""A private table space on disk, for what has to be looked at as a whole and is too large for memory."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Taken(Exception):
    """A row whose key is there already."""


class Staging:
    """Tables of one piece of work on one thread; gone with it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def define(self, statements: str) -> None:
        self._connection.executescript(statements)

    def add(self, table: str, *values: Any) -> None:
        """Insert one row; Taken when one of its keys is there already."""
        places = ", ".join("?" * len(values))
        try:
            self._connection.execute(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608 - our own names
        except sqlite3.IntegrityError as error:
            raise Taken(str(error)) from error

    def change(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, values)

    def rows(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query, as they are needed."""
        yield from self._connection.execute(query, values)

    def first(self, query: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(query, values).fetchone()

    def batches(self, query: str, size: int) -> Iterator[list[Any]]:
        """The rows of a query, so many at a time."""
        cursor = self._connection.execute(query)
        while batch := cursor.fetchmany(size):
            yield batch


@contextmanager
def staging(folder: Path, statements: Iterable[str] = ()) -> Iterator[Staging]:
    """A table space whose file has no name any more, so that nothing is left whatever happens."""
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -16000"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("BEGIN")
        Path(name).unlink()
        for statement in statements:
            connection.execute(statement)
        yield Staging(connection)
    finally:
        connection.close()
        Path(name).unlink(missing_ok=True)
