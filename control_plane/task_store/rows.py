"""Rows of the task store by their ids, and the numbers of new ones."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, ScalarSelect, Table, bindparam, func, insert, select, update

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.task_store.tables import ideas, submissions, tasks, variants
from store_client.errors import NotFound

IDS = {"tasks": "task_id", "ideas": "idea_id", "variants": "variant_id", "submissions": "task_id"}


def task(tx: Tx, task_id: str) -> RowMapping:
    return _must_exist(find(tx, tasks, task_id), "task", task_id)


def idea(tx: Tx, idea_id: str) -> RowMapping:
    return _must_exist(find(tx, ideas, idea_id), "idea", idea_id)


def variant(tx: Tx, variant_id: str) -> RowMapping:
    return _must_exist(find(tx, variants, variant_id), "variant", variant_id)


def submission(tx: Tx, task_id: str) -> RowMapping:
    return _must_exist(find(tx, submissions, task_id), "submission of task", task_id)


def find(tx: Tx, table: Table, id_: str) -> RowMapping | None:
    """The row of this experiment with this id; no id contains a null character."""
    return None if "\x00" in id_ else tx.first(_FIND[table.name], here=tx.experiment_id, id=id_)


def key(tx: Tx, table: Table, id_: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition that names one row of this experiment."""
    return table.c.experiment_id == tx.experiment_id, table.c[IDS[table.name]] == id_


def add(tx: Tx, table: Table, **values: Any) -> None:
    """Insert a row of this experiment, with the next number."""
    tx.run(_ADD[table.name], here=tx.experiment_id, experiment_id=tx.experiment_id, **values)


def change(tx: Tx, table: Table, id_: str, **values: Any) -> None:
    """Write some columns of one row of this experiment."""
    tx.run(_CHANGE[table.name], here=tx.experiment_id, id=id_, **values)


def _named(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.experiment_id == bindparam("here"), table.c[IDS[table.name]] == bindparam("id")


def _next_number(table: Table) -> ScalarSelect[int]:
    largest = select(func.coalesce(func.max(table.c.number), 0) + 1).where(table.c.experiment_id == bindparam("here"))
    return largest.correlate(None).scalar_subquery()


_NUMBERED = (tasks, ideas, variants)
_FIND = {table.name: Question(select(table).where(*_named(table))) for table in (*_NUMBERED, submissions)}
_CHANGE = {table.name: update(table).where(*_named(table)) for table in _NUMBERED}
_ADD = {table.name: insert(table).inline().values(number=_next_number(table)) for table in _NUMBERED}


def _must_exist(row: RowMapping | None, thing: str, id_: str) -> RowMapping:
    if row is None:
        raise NotFound(f"there is no {thing} {id_}")
    return row
