"""Whole lists, as the protocol gives them out: every row, and never all of them in memory."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

from control_plane.db.transaction import Tx
from control_plane.task_store.rules.moves import Row

T = TypeVar("T")
BATCH = 1000


def read(tx: Tx, wanted: Select[Any], number: ColumnElement[int], record: Callable[[Row], T]) -> Iterator[T]:
    """The records of all rows by number, while the transaction lasts.

    What is no longer than a batch takes one question; only the rest of a longer list takes a cursor.
    """
    wanted = wanted.order_by(number)
    first = tx.connection.execute(wanted.limit(BATCH + 1)).mappings().all()
    yield from map(record, first)
    if len(first) > BATCH:
        rest = wanted.where(number > first[-1]["number"]).execution_options(yield_per=BATCH)
        with tx.connection.execute(rest) as result:
            yield from map(record, result.mappings())
