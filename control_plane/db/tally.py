"""Maintained counters: what lists and badges show without counting rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import JSON, Connection, Select, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from control_plane.db.command import Command
from control_plane.db.question import Question
from control_plane.db.tables import tallies


def move(connection: Connection, experiment_id: str, old: str | None, new: str | None) -> None:
    """One thing left the count `old` and joined the count `new`; either may be None."""
    if old is not None:
        add(connection, experiment_id, old, -1)
    if new is not None:
        add(connection, experiment_id, new, 1)


def _upsert(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["experiment_id", "name"], set_={"total": tallies.c.total + insert.excluded.total}
    )


_ADD = Command(
    {"sqlite": _upsert(sqlite.insert(tallies)), "postgresql": _upsert(postgresql.insert(tallies))},
    "experiment_id", "name", "total",
)  # fmt: skip


def add(connection: Connection, experiment_id: str, name: str, amount: int) -> None:
    """Add to a counter, made at zero on first use."""
    add_all(connection, {(experiment_id, name): amount})


def add_all(connection: Connection, amounts: Mapping[tuple[str, str], int]) -> None:
    """Add to counters, each named by its experiment and its name."""
    rows = [{"experiment_id": of, "name": name, "total": amount} for (of, name), amount in amounts.items() if amount]
    if rows:
        _ADD.run_all(connection, rows)


_OF_ONE = Question(select(tallies.c.name, tallies.c.total).where(tallies.c.experiment_id == bindparam("here")))


def _by_experiment(as_object: Any) -> Select[Any]:
    """The counters of each experiment as one value: many rows take longer to fetch than to find."""
    counted = as_object(tallies.c.name, tallies.c.total, type_=JSON)
    return select(tallies.c.experiment_id, counted.label("counted")).group_by(tallies.c.experiment_id)


_OF_MANY = {
    "sqlite": _by_experiment(func.json_group_object),
    "postgresql": _by_experiment(func.json_object_agg),
}


def read(connection: Connection, experiment_id: str) -> dict[str, int]:
    """Every counter of an experiment."""
    return {row["name"]: row["total"] for row in _OF_ONE.all(connection, {"here": experiment_id})}


def read_many(connection: Connection, experiment_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Every counter of several experiments in one query."""
    query = _OF_MANY[connection.dialect.name].where(tallies.c.experiment_id.in_(list(experiment_ids)))
    return {row.experiment_id: row.counted for row in connection.execute(query)}
