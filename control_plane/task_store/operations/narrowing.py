"""What a leaderboard is narrowed to: what an index serves, what is looked for in each variant, and the total."""

from sqlalchemy import ColumnElement, TextClause, exists, func, literal, or_, select

from control_plane.db import tally
from control_plane.db.transaction import Tx
from control_plane.task_store.score_tables import IS_NUMBER, measurements
from control_plane.task_store.tables import ideas, variants
from store_client.wire.calls.boards import COUNTED, LeaderboardQuery

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
    here = select(variants.c.number).where(variants.c.experiment_id == tx.experiment_id, *served)
    newest = here.order_by(variants.c.number.desc()).limit(LOOKED_THROUGH).subquery()
    same = (variants.c.experiment_id == tx.experiment_id) & (variants.c.number == newest.c.number)
    some = select(literal(1)).select_from(newest.join(variants, same)).where(*looked_for).limit(COUNTED + 1)
    found = tx.connection.scalar(select(func.count()).select_from(some.subquery())) or 0
    if found > COUNTED:
        return COUNTED, True
    is_whole = query.idea is not None or counted.get("variants", 0) <= LOOKED_THROUGH
    return (found if is_whole else None), False


def _has_word(tx: Tx, word: str) -> Condition:
    named = exists().where(
        ideas.c.experiment_id == tx.experiment_id,
        ideas.c.idea_id == variants.c.idea_id,
        ideas.c.slug.contains(word, autoescape=True),
    )
    changed = func.lower(variants.c.description).contains(word, autoescape=True)
    return or_(variants.c.variant_id == word, named, changed, variants.c.commit_sha.startswith(word, autoescape=True))


def _measures(tx: Tx, query: LeaderboardQuery) -> Condition:
    return exists().where(
        measurements.c.experiment_id == tx.experiment_id,
        measurements.c.metric == query.metric,
        measurements.c.number == variants.c.number,
        IS_NUMBER,
        *between(query),
    )
