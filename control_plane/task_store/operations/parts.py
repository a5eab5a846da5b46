"""The two parts of a sorted list of variants: those that have the measure, and those that have none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, TextClause, and_, exists, select, tuple_

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import narrowing
from control_plane.task_store.rules.standings import Place
from control_plane.task_store.score_tables import IS_NUMBER, IS_WORD, measurements
from control_plane.task_store.tables import IS_SCORED, variants
from store_client.wire.calls.boards import LeaderboardQuery
from store_client.wire.variants import VariantStatus

WINDOW = 20_000
"""So many variants are looked through for one page, where no index tells which are wanted."""
FIRST = 400
"""So many are looked through first: where most are wanted, the page is full with those."""
MEASURED, UNMEASURED = 0, 1
Condition = ColumnElement[bool] | TextClause


@dataclass(frozen=True)
class Step:
    """From where, how far and in which direction a list is read."""

    start: Place | None
    limit: int
    is_back: bool

    def within(self, part: int, found: int) -> "Step":
        """The same inside one part, when so many rows were found before it."""
        start = self.start if self.start is not None and self.start.part == part else None
        return replace(self, start=start, limit=self.limit - found)


@dataclass(frozen=True)
class Part:
    """Variants in the order of an index: by a key, if there is one, and by number."""

    order: int
    number: ColumnElement[int]
    key: ColumnElement[Any] | None
    is_ascending: bool
    within: tuple[Condition, ...]
    """What the index serves."""
    filters: tuple[Condition, ...]
    """What has to be looked for in each variant."""

    def read(self, tx: Tx, step: Step) -> tuple[list[tuple[Place, RowMapping]], Place | None]:
        """So many rows, and the place where looking stopped short of them."""
        along = self._along(tx, step)
        if not self.filters:
            chosen = along.limit(step.limit).subquery()
            return self._rows(tx, chosen, (), step), None
        for size in dict.fromkeys((min(FIRST, WINDOW), WINDOW)):
            rows = self._rows(tx, along.limit(size).subquery(), self.filters, step)
            if len(rows) == step.limit:
                return rows, None
        edge = tx.connection.execute(along.offset(WINDOW - 1).limit(1)).first()
        return rows, None if edge is None else Place(self.order, edge.key, edge.number)

    def _along(self, tx: Tx, step: Step) -> Select[Any]:
        """Keys and numbers in the order of the index, from a place on."""
        table = self.number.table
        key = self.key if self.key is not None else self.number
        columns = (self.key, self.number) if self.key is not None else (self.number,)
        goes_up = self.is_ascending is not step.is_back
        query = select(key.label("key"), self.number.label("number")).where(
            table.c.experiment_id == tx.experiment_id, *self.within
        )
        if step.start is not None and (start := self._start(step.start)) is not None:
            here = tuple_(*columns)
            query = query.where(here > tuple_(*start) if goes_up else here < tuple_(*start))
        return query.order_by(*(column.asc() if goes_up else column.desc() for column in columns))

    def _start(self, place: Place) -> Sequence[Any] | None:
        if self.key is None:
            return (place.number,)
        is_word = self.key is measurements.c.word
        return (place.key, place.number) if isinstance(place.key, str) is is_word and place.key is not None else None

    def _rows(self, tx: Tx, window: Any, filters: tuple[Condition, ...], step: Step) -> list[tuple[Place, RowMapping]]:
        goes_up = self.is_ascending is not step.is_back
        same = and_(variants.c.experiment_id == tx.experiment_id, variants.c.number == window.c.number)
        query = select(variants, window.c.key.label("key")).select_from(window.join(variants, same)).where(*filters)
        order = (column.asc() if goes_up else column.desc() for column in (window.c.key, window.c.number))
        found = tx.connection.execute(query.order_by(*order).limit(step.limit)).mappings()
        return [(Place(self.order, row["key"] if self.key is not None else None, row["number"]), row) for row in found]


def parts_of(tx: Tx, query: LeaderboardQuery) -> list[Part]:
    """The parts of the list that a query asks for."""
    served, looked_for = narrowing.conditions(tx, query)
    if query.sort == "number":
        return [Part(UNMEASURED, variants.c.number, None, query.is_ascending, served, looked_for)]
    measured = _measured(tx, query, looked_for)
    if query.status not in {None, VariantStatus.SUCCESS}:
        return [Part(UNMEASURED, variants.c.number, None, False, served, looked_for)]
    has_range = query.metric is not None and (query.at_least is not None or query.at_most is not None)
    if has_range and query.metric == query.sorted_metric:
        return [measured]
    return [measured, Part(UNMEASURED, variants.c.number, None, False, served, (*looked_for, _has_none(tx, query)))]


def _measured(tx: Tx, query: LeaderboardQuery, looked_for: tuple[Condition, ...]) -> Part:
    others = tuple(narrowing.of_idea(query)) + looked_for
    if query.sorted_metric is None:
        scored = (IS_SCORED, *narrowing.of_idea(query))
        return Part(MEASURED, variants.c.number, variants.c.objective_value, query.is_ascending, scored, looked_for)
    metric = query.sorted_metric
    is_text = tx.experiment["config"].get("evaluation_schema", {}).get(metric) == "text"
    key, given = (measurements.c.word, IS_WORD) if is_text else (measurements.c.value, IS_NUMBER)
    within: list[Condition] = [measurements.c.metric == metric, given]
    if query.metric == metric:
        within += narrowing.between(query)
    return Part(MEASURED, measurements.c.number, key, query.is_ascending, tuple(within), others)


def _has_none(tx: Tx, query: LeaderboardQuery) -> Condition:
    if query.sorted_metric is None:
        return variants.c.objective_value.is_(None)
    return ~exists().where(
        measurements.c.experiment_id == tx.experiment_id,
        measurements.c.metric == query.sorted_metric,
        measurements.c.number == variants.c.number,
    )
