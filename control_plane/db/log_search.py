"""Finding events in a log of any length: by index where there is one, else by looking at so many and no more.

A type has an index. A time is a place in the log, found by halving. Whatever else is asked for is looked for in the
data of a bounded number of events, so that a page costs the same however long the log is and however rare the answer.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, Text, cast, func, or_, select, true

from control_plane.db.tables import DEPLOYMENT, events

MOST_LOOKED_AT = 10_000
MOST_COUNTED = 1_000
ACTORS = ("worker_id", "by", "updated_by", "terminated_by", "operator_id")
"""The fields of an event that name who did it."""


@dataclass(frozen=True)
class Wanted:
    """Which events; positions are inclusive, and an absent experiment means all of them and the deployment."""

    experiment_id: str | None = None
    type: str | None = None
    about: str | None = None
    by: str | None = None
    text: str | None = None
    since: str | None = None
    until: str | None = None
    first: int | None = None
    last: int | None = None
    is_oldest_first: bool = False


class Look(NamedTuple):
    """What one look found, the last event that it took in, and whether there may be more beyond."""

    found: list[RowMapping]
    reached: RowMapping | None
    has_more: bool


def look(connection: Connection, wanted: Wanted, limit: int) -> Look:
    """At most `limit` events, the newest first or the oldest."""
    wanted = _between(connection, wanted)
    conditions = _conditions(wanted)
    if not conditions:
        found = list(connection.execute(_placed(wanted, *events.c).limit(limit + 1)).mappings())
        return _full(found, limit) or Look(found, None, has_more=False)
    some = _placed(wanted, events.c.position).limit(MOST_LOOKED_AT)
    query = _in_order(select(events).where(events.c.position.in_(some), *conditions), wanted)
    found = list(connection.execute(query.limit(limit + 1)).mappings())
    end = _placed(wanted, events.c.position, events.c.occurred_at).offset(MOST_LOOKED_AT - 1).limit(1)
    reached = connection.execute(end).mappings().first() if len(found) <= limit else None
    return _full(found, limit) or Look(found, reached, has_more=reached is not None)


def _full(found: list[RowMapping], limit: int) -> Look | None:
    return Look(found[:limit], found[limit - 1], has_more=True) if len(found) > limit else None


def _placed(wanted: Wanted, *columns: ColumnElement[Any]) -> Select[Any]:
    """The events that an index finds, in order."""
    query = select(*columns)
    if wanted.experiment_id is not None:
        query = query.where(events.c.experiment_id == wanted.experiment_id)
    if wanted.type is not None:
        query = query.where(events.c.type == wanted.type)
    if wanted.first is not None:
        query = query.where(events.c.position >= wanted.first)
    if wanted.last is not None:
        query = query.where(events.c.position <= wanted.last)
    return _in_order(query, wanted)


def _in_order(query: Select[Any], wanted: Wanted) -> Select[Any]:
    return query.order_by(events.c.position.asc() if wanted.is_oldest_first else events.c.position.desc())


def count_kinds(connection: Connection, experiment_id: str | None) -> list[tuple[str, int]]:
    """Every type there is and how many events have it, counted up to `MOST_COUNTED`: a few steps for each type."""
    kinds: list[tuple[str, int]] = []
    scope = true() if experiment_id is None else events.c.experiment_id == experiment_id
    last = ""
    while True:
        kinds_after = select(events.c.type).where(scope, events.c.type > last)
        kind = connection.scalar(kinds_after.order_by(events.c.type).limit(1))
        if kind is None:
            return kinds
        some = select(events.c.position).where(scope, events.c.type == kind).limit(MOST_COUNTED).subquery()
        kinds.append((kind, connection.scalar(select(func.count()).select_from(some)) or 0))
        last = kind


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What no index answers: each event has to be looked at."""
    data, asked = cast(events.c.data, Text), list[ColumnElement[bool]]()
    if wanted.about is not None:
        asked.append(data.contains(json.dumps(wanted.about), autoescape=True))
    if wanted.by is not None:
        name = json.dumps(wanted.by)
        asked.append(or_(*(data.contains(f'"{actor}": {name}', autoescape=True) for actor in ACTORS)))
    if wanted.text is not None:
        words = json.dumps(wanted.text)[1:-1]
        asked.append(or_(events.c.type.icontains(wanted.text, autoescape=True), data.icontains(words, autoescape=True)))
    if wanted.since is not None and wanted.experiment_id is None:
        asked.append(events.c.occurred_at >= wanted.since)
    if wanted.until is not None and wanted.experiment_id is None:
        asked.append(events.c.occurred_at <= wanted.until)
    return asked


def _between(connection: Connection, wanted: Wanted) -> Wanted:
    """The same with the times as places in the log too, so that little outside them is looked at.

    The events of an experiment are in the order of their times. Those of all are not, where an experiment came with
    its past: what the deployment itself has told is, and lies around what is asked for.
    """
    of = DEPLOYMENT if wanted.experiment_id is None else wanted.experiment_id
    first, last = wanted.first, wanted.last
    if wanted.since is not None:
        first = max(first or 0, _halve(connection, of, events.c.occurred_at >= wanted.since))
    if wanted.until is not None:
        is_past = events.c.occurred_at > wanted.until
        past = _next_to(connection, of, _halve(connection, of, is_past), is_past)
        last = last if past is None else min(past.position - 1, past.position - 1 if last is None else last)
    return replace(wanted, first=first, last=last)


def _halve(connection: Connection, experiment_id: str, is_past: ColumnElement[bool]) -> int:
    """The position after the last event of a scope that is not past; it is past from there on."""
    low, high = 1, (connection.scalar(select(func.max(events.c.position))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = _next_to(connection, experiment_id, middle, is_past)
        if found is None or found.is_past:
            high = middle
        else:
            low = found.position + 1
    return low


def _next_to(
    connection: Connection, experiment_id: str, position: int, is_past: ColumnElement[bool]
) -> Row[tuple[int, bool]] | None:
    there = select(func.min(events.c.position))
    there = there.where(events.c.experiment_id == experiment_id, events.c.position >= position)
    query = select(events.c.position, is_past.label("is_past")).where(events.c.position == there.scalar_subquery())
    return connection.execute(query).first()
