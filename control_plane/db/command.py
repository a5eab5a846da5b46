"""Changes that are made many times a second: rendered once for each database, and put to its driver directly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Delete, Dialect, Insert, Update
from sqlalchemy.exc import DBAPIError

from control_plane.db.question import DIALECTS

Change = Insert | Update | Delete
Values = Mapping[str, Any]


@dataclass(frozen=True)
class _Form:
    """A change as one database's driver takes it."""

    text: str
    writers: tuple[tuple[str, Callable[[Any], Any]], ...]
    """The values that the driver is given in another type."""

    def of(self, values: Values) -> Values:
        if not self.writers:
            return values
        given = dict(values)
        for name, write in self.writers:
            given[name] = write(given[name])
        return given


class Command:
    """One prepared change, the same for every database or one for each; an insert names its columns."""

    def __init__(self, statement: Change | Mapping[str, Change], *columns: str) -> None:
        self._statements = statement if isinstance(statement, Mapping) else dict.fromkeys(DIALECTS, statement)
        self._forms = {name: _form(self._statements[name], each, columns) for name, each in DIALECTS.items()}

    def run(self, connection: Connection, values: Values) -> int:
        """Make the change; how many rows it changed."""
        if connection.dispatch.before_cursor_execute:  # somebody wants to hear of every statement
            return connection.execute(self._statements[connection.dialect.name], values).rowcount
        form = self._forms[connection.dialect.name]
        return self._put(connection, lambda driver: driver.execute(form.text, form.of(values)))

    def run_all(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Make the change once for each of these rows; how many it changed in all."""
        if connection.dispatch.before_cursor_execute:
            return connection.execute(self._statements[connection.dialect.name], rows).rowcount
        form = self._forms[connection.dialect.name]
        given = [form.of(row) for row in rows]
        return self._put(connection, lambda driver: _many(driver.cursor(), form.text, given))

    def _put(self, connection: Connection, act: Callable[[Any], Any]) -> int:
        try:
            cursor = act(connection.connection.driver_connection)
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._as_everybody_knows_it(connection, error) from error
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def _as_everybody_knows_it(self, connection: Connection, error: BaseException) -> BaseException:
        """The driver's error as the toolkit tells it."""
        driver: Any = connection.connection.driver_connection
        return DBAPIError.instance(
            self._forms[connection.dialect.name].text, {}, error, connection.dialect.loaded_dbapi.Error,
            connection_invalidated=connection.dialect.is_disconnect(cast("Any", error), driver, None),
            dialect=connection.dialect,
        )  # fmt: skip


def _many(cursor: Any, text: str, rows: list[Values]) -> Any:
    cursor.executemany(text, rows)
    return cursor


def _form(statement: Change, dialect: Dialect, columns: Sequence[str]) -> _Form:
    compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
    writers = {name: each.type.dialect_impl(dialect).bind_processor(dialect) for name, each in compiled.binds.items()}
    return _Form(str(compiled), tuple((name, write) for name, write in writers.items() if write is not None))
