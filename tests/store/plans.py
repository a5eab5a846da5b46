"""How a database carries out what a reading asks."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from control_plane.db.engine import Database


def plans(database: Database, read: Callable[[Connection], object]) -> list[str]:
    """How the database carries out each statement of a reading."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    with database.reading() as connection:
        event.listen(connection, "before_cursor_execute", note)
        read(connection)
        event.remove(connection, "before_cursor_execute", note)
        return [_plan(database, connection, statement, parameters) for statement, parameters in seen]


def _plan(database: Database, connection: Connection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    found = connection.exec_driver_sql(explain + statement, parameters)
    return "\n".join(str(row) for row in found)
