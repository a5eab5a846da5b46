"""The event log: appended with the change it tells of, read by position or by the protocol's sequence."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    RowMapping,
    ScalarSelect,
    TypeDecorator,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)

from control_plane.db.command import Command
from control_plane.db.question import Question
from control_plane.db.tables import DEPLOYMENT, events

PROTOCOL_TYPES = frozenset(
    {
        *(
            f"task.{act}"
            for act in ("created", "claimed", "submitted", "completed", "failed", "reclaimed", "reassigned")
        ),
        *(f"idea.{act}" for act in ("drafted", "ready", "dispatched", "completed")),
        *(f"variant.{act}" for act in ("started", "succeeded", "errored", "evaluation_errored", "integrated")),
        *(f"experiment.{act}" for act in ("dispatch_mode_changed", "terminated", "policy_error")),
    }
)
"""The registered types (protocol §6.2): these, and no others, are served under `/v0`."""


def _after(column: Column[int], *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """One more than the largest so far, found by the statement that inserts."""
    none, one = literal_column("0", Integer), literal_column("1", Integer)  # part of the text, which is prepared
    largest = select(func.coalesce(func.max(column), none) + one).where(*conditions)
    return largest.correlate(None).scalar_subquery()


class Encoded(TypeDecorator[str]):
    """JSON that is text already."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Nothing is left to do."""


_COLUMNS = ("experiment_id", "event_id", "type", "occurred_at")
_TOLD = insert(events).inline().values(
    position=_after(events.c.position), data=bindparam("text", type_=Encoded())
)  # fmt: skip
_PLAIN = Command(_TOLD, *_COLUMNS)
_COUNTED = Command(
    _TOLD.values(sequence=_after(events.c.sequence, events.c.experiment_id == bindparam("of"))), *_COLUMNS
)


_TIP = Question(select(func.max(events.c.position).label("position")))


class Told(NamedTuple):
    """One event before it has its position."""

    experiment_id: str
    event_id: str
    type: str
    text: str
    """Its data, as JSON."""


def append(connection: Connection, now: str, told: Sequence[Told]) -> None:
    """Append events in this order; positions and sequences are gap-free because one writer at a time appends."""
    for is_counted, run in groupby(told, lambda each: each.type in PROTOCOL_TYPES):
        rows = [{**each._asdict(), "occurred_at": now, "of": each.experiment_id} for each in run]
        (_COUNTED if is_counted else _PLAIN).run_all(connection, rows)


def tip(connection: Connection) -> int:
    """The position of the newest event of the deployment; 0 when there is none."""
    newest = _TIP.first(connection, {})
    return int(newest["position"] or 0) if newest is not None else 0


def count(connection: Connection, experiment_id: str) -> int:
    """How many protocol events the experiment has."""
    return connection.scalar(select(func.max(events.c.sequence)).where(events.c.experiment_id == experiment_id)) or 0


def changed_after(connection: Connection, position: int, types: Collection[str]) -> tuple[int, set[str]]:
    """The newest position, and the experiments that events of these types tell of since `position`."""
    newest = tip(connection)
    query = select(events.c.experiment_id).where(events.c.position > position, events.c.type.in_(types)).distinct()
    return newest, set(connection.scalars(query)) if newest > position else set()


def touched_after(connection: Connection, position: int | None, limit: int = 1000) -> tuple[int, set[str]]:
    """The newest position, and the scopes with events since `position` (the deployment's: any), none without one."""
    newest = tip(connection)
    if position is None or newest <= position:
        return newest, set()
    if newest - position > limit:
        return newest, {DEPLOYMENT}
    query = select(events.c.experiment_id).where(events.c.position > position).distinct()
    return newest, set(connection.scalars(query))


def read_protocol(connection: Connection, experiment_id: str, cursor: int, limit: int = 1000) -> list[RowMapping]:
    """Protocol events of an experiment after a cursor, oldest first."""
    query = select(events).where(events.c.experiment_id == experiment_id, events.c.sequence > cursor)
    return list(connection.execute(query.order_by(events.c.sequence).limit(limit)).mappings())


def read_after(connection: Connection, position: int, limit: int, experiment_id: str | None) -> list[RowMapping]:
    """All events after a position, oldest first; of one experiment, or of the whole deployment."""
    query = select(events).where(events.c.position > position)
    if experiment_id is not None:
        query = query.where(events.c.experiment_id == experiment_id)
    return list(connection.execute(query.order_by(events.c.position).limit(limit)).mappings())


def read_before(
    connection: Connection, position: int | None, limit: int, experiment_id: str | None
) -> list[RowMapping]:
    """The newest events before a position (or at all), newest first."""
    query = select(events)
    if position is not None:
        query = query.where(events.c.position < position)
    if experiment_id is not None:
        query = query.where(events.c.experiment_id == experiment_id)
    return list(connection.execute(query.order_by(events.c.position.desc()).limit(limit)).mappings())
