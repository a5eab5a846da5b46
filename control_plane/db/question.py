"""Questions that are asked at every request: rendered once for each database, and put to its driver directly.

An answer costs a quarter of what it costs by way of the statement. Parameters are plain texts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Dialect, RowMapping, Select, UpdateBase
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import make_url

from control_plane.db.decoding import decode

Reader = Callable[[Any], Any]
DIALECTS: Mapping[str, Dialect] = {
    "sqlite": SQLiteDialect(paramstyle="named", json_deserializer=decode),
    "postgresql": make_url("postgresql+psycopg://").get_dialect()(),
}
DOUBLE_PRECISION = 701
"""PostgreSQL's number for the one type whose values its dialect reads only if it is told."""


@dataclass(frozen=True)
class _Form:
    """A question as one database's driver takes it."""

    text: str
    names: tuple[str, ...]
    readers: tuple[tuple[str, Reader], ...]
    """The columns whose values the driver hands over in another type."""
    constants: Mapping[str, Any]
    """What the question itself compares with."""

    def of(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**self.constants, **values} if self.constants else values

    def row(self, found: Sequence[Any]) -> RowMapping:
        row = dict(zip(self.names, found, strict=True))
        for name, read in self.readers:
            row[name] = read(row[name])
        return cast("RowMapping", row)  # whoever reads it reads by name


class Question:
    """One prepared select, or a change that answers with rows."""

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self.statement = statement
        self._forms = {name: _form(statement, dialect) for name, dialect in DIALECTS.items()}

    def first(self, connection: Connection, values: Mapping[str, Any]) -> RowMapping | None:
        """The first row, or None."""
        if connection.dispatch.before_cursor_execute:  # somebody wants to hear of every statement
            return self._first_by_statement(connection, values)
        form, driver = self._forms[connection.dialect.name], connection.connection.driver_connection
        try:
            cursor = cast("Any", driver).execute(form.text, form.of(values))
            found = cursor.fetchone()
            cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            return self._first_by_statement(connection, values)  # whose errors are those that everybody knows
        return None if found is None else form.row(found)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[RowMapping]:
        """Every row."""
        if connection.dispatch.before_cursor_execute:
            return self._all_by_statement(connection, values)
        form, driver = self._forms[connection.dialect.name], connection.connection.driver_connection
        try:
            cursor = cast("Any", driver).execute(form.text, form.of(values))
            found = cursor.fetchall()
            cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            return self._all_by_statement(connection, values)
        return [form.row(each) for each in found]

    def _first_by_statement(self, connection: Connection, values: Mapping[str, Any]) -> RowMapping | None:
        return connection.execute(self.statement, values).mappings().first()

    def _all_by_statement(self, connection: Connection, values: Mapping[str, Any]) -> list[RowMapping]:
        return list(connection.execute(self.statement, values).mappings())


def _form(statement: Select[Any] | UpdateBase, dialect: Dialect) -> _Form:
    columns, compiled = statement.exported_columns, statement.compile(dialect=dialect)
    readers = [each.type.dialect_impl(dialect).result_processor(dialect, DOUBLE_PRECISION) for each in columns]
    names = tuple(str(column.key) for column in columns)
    return _Form(
        str(compiled),
        names,
        tuple((name, reader) for name, reader in zip(names, readers, strict=True) if reader is not None),
        {name: _given(each, dialect) for name, each in compiled.binds.items() if not each.required},
    )


def _given(constant: BindParameter[Any], dialect: Dialect) -> Any:
    """A constant as the driver takes it."""
    write = constant.type.dialect_impl(dialect).bind_processor(dialect)
    return constant.value if write is None else write(constant.value)
