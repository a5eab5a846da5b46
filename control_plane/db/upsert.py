"""Rows added, or left or changed where they are there already: the same statement for each database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def inserts(table: Table) -> Mapping[str, Any]:
    """The beginning of a statement that goes on with `on_conflict_…`, by the name of the dialect."""
    return {"sqlite": sqlite.insert(table), "postgresql": postgresql.insert(table)}
