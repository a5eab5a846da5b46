"""What a leaderboard is narrowed to: what an index serves, what is looked for in each variant, and the total."""

from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, exists, func, literal, or_, select

from control_plane.db import tally
from control_plane.db.transaction import Tx
from control_plane.task_store.score_tables import IS_NUMBER, measurements
from control_plane.task_store.tables import ideas, variants
from store_client.wire.calls.boards import COUNTED, LeaderboardQuery
from store_client.wire.variants import VariantStatus

Condition = ColumnElement[bool] | TextClause
LOOKED_THROUGH = 20_000


def conditions(tx: Tx, query: LeaderboardQuery) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Conditions that an index of variants serves, and those that have to be looked for."""
    served: list[Condition] = list(of_idea(query))
    if query.status is not None:
        served.append(variants.c.status == query.status.value)
    looked_for: list[Condition] = []
    if query.worker is not None:
        looked_for.append(variants.c.executed_by == query.worker)
    looked_for += [_has_word(tx, word) for word in (query.q or "").lower().split()]
    if query.metric is not None and query.metric != query.sorted_metric and between(query):
        looked_for.append(_measures(tx, query))
    return tuple(served), tuple(looked_for)


def of_idea(query: LeaderboardQuery) -> tuple[Condition, ...]:
    """The variants of one idea are few."""
    return () if query.idea is None else (variants.c.idea_id == query.idea,)


def between(query: LeaderboardQuery) -> list[Condition]:
    """The range of the metric, on its measurements."""
    bounds: list[Condition] = []
    if query.at_least is not None:
        bounds.append(measurements.c.value >= float(query.at_least))
    if query.at_most is not None:
        bounds.append(measurements.c.value <= float(query.at_most))
    return bounds


def total(tx: Tx, query: LeaderboardQuery) -> tuple[int | None, bool]:
    """How many variants are wanted, and whether there are more than were counted; None where that takes too long."""
    counted = tally.read(tx.connection, tx.experiment_id)
    served, looked_for = conditions(tx, query)
    if query.metric == query.sorted_metric and between(query):
        looked_for = (*looked_for, _measures(tx, query))
    if not looked_for and query.idea is None:
        return counted.get(f"variants.{query.status}" if query.status else "variants", 0), False
    if _is_by_range_alone(query):
        found = _count(tx, _measured(tx, query))
        return min(found, COUNTED), found > COUNTED
    here = select(variants.c.number).where(variants.c.experiment_id == tx.experiment_id, *served)
    newest = here.order_by(variants.c.number.desc()).limit(LOOKED_THROUGH).subquery()
    same = (variants.c.experiment_id == tx.experiment_id) & (variants.c.number == newest.c.number)
    found = _count(tx, select(literal(1)).select_from(newest.join(variants, same)).where(*looked_for))
    if found > COUNTED:
        return COUNTED, True
    is_whole = query.idea is not None or counted.get("variants", 0) <= LOOKED_THROUGH
    return (found if is_whole else None), False


def _count(tx: Tx, wanted: Select[Any]) -> int:
    """How many rows there are, counted no further than pages tell."""
    some = wanted.limit(COUNTED + 1).subquery()
    found: int = tx.connection.scalar(select(func.count()).select_from(some)) or 0
    return found


def _is_by_range_alone(query: LeaderboardQuery) -> bool:
    """Whether an index of measurements says how many are wanted: only those that succeeded have any."""
    is_of_any = query.status in {None, VariantStatus.SUCCESS} and query.idea is None
    return is_of_any and query.worker is None and not (query.q or "").split()


def _measured(tx: Tx, query: LeaderboardQuery) -> Select[Any]:
    here = measurements.c.experiment_id == tx.experiment_id
    return select(literal(1)).where(here, measurements.c.metric == query.metric, IS_NUMBER, *between(query))


def _has_word(tx: Tx, word: str) -> Condition:
    named = exists().where(
        ideas.c.experiment_id == tx.experiment_id,
        ideas.c.idea_id == variants.c.idea_id,
        ideas.c.slug.contains(word, autoescape=True),
    )
    changed = func.lower(variants.c.description).contains(word, autoescape=True)
    return or_(variants.c.variant_id == word, named, changed, variants.c.commit_sha.startswith(word, autoescape=True))


def _measures(tx: Tx, query: LeaderboardQuery) -> Condition:
    return _measured(tx, query).where(measurements.c.number == variants.c.number).exists()
