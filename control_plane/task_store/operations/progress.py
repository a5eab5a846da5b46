"""Scores: the objective's value of every variant, and the best so far."""

from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select, update

from control_plane.db.question import Question
from control_plane.db.tables import scores
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import courses
from control_plane.task_store.tables import ideas, variants
from store_client.wire import objective
from store_client.wire.experiments import ProgressPoint
from store_client.wire.stretches import thinned

_HERE = scores.c.experiment_id == bindparam("here")
_SCORES, _CHANGE, _ADD = Question(select(scores).where(_HERE)), update(scores).where(_HERE), insert(scores)


def value_of(tx: Tx, evaluation: dict[str, Any] | None) -> float | None:
    """The experiment's objective computed from these metrics, where it can be."""
    expr = tx.experiment["config"].get("objective", {}).get("expr")
    return objective.value_of(expr, evaluation or {}) if isinstance(expr, str) else None


def record(tx: Tx, variant: courses.Row) -> None:
    """Note a successful variant's value: as the baseline's if it is that, and as the best if it is better."""
    value, variant_id = variant["objective_value"], variant["variant_id"]
    if value is None:
        return
    row = _scores(tx)
    changes: dict[str, Any] = {}
    if variant["kind"] is not None:
        changes |= {"baseline_variant_id": variant_id, "baseline_value": value}
    if row["best_value"] is None or is_better(tx, value, row["best_value"]):
        label = courses.record(tx, variant, row["best_value"])
        steps = thinned([*(row["steps"] or ()), [variant["number"], value]])
        changes |= {"best_variant_id": variant_id, "best_value": value, "best_label": label, "steps": steps}
    if changes:
        tx.run(_CHANGE, here=tx.experiment_id, **changes)


def is_minimised(tx: Tx) -> bool:
    """Whether less is better in this experiment."""
    return bool(tx.experiment["config"].get("objective", {}).get("direction") == "minimize")


def best_variant_id(tx: Tx) -> str | None:
    found = _SCORES.first(tx.connection, {"here": tx.experiment_id})
    return None if found is None else found["best_variant_id"]


def read(tx: Tx) -> tuple[ProgressPoint, ...]:
    """Every variant of the experiment in the order in which they began."""
    query = (
        select(variants, ideas.c.slug)
        .outerjoin(ideas, (ideas.c.experiment_id == variants.c.experiment_id) & (ideas.c.idea_id == variants.c.idea_id))
        .where(variants.c.experiment_id == tx.experiment_id)
        .order_by(variants.c.number)
    )
    return tuple(_point(row) for row in tx.connection.execute(query).mappings())


def _point(row: RowMapping) -> ProgressPoint:
    return ProgressPoint(
        variant_id=row["variant_id"],
        label=row["kind"] or row["slug"] or row["variant_id"],
        status=row["status"],
        number=row["number"],
        objective_value=row["objective_value"],
        metrics=row["evaluation"] or {},
        is_baseline=row["kind"] is not None,
        at=row["completed_at"] or row["started_at"],
    )


def _scores(tx: Tx) -> RowMapping:
    row = tx.first(_SCORES, here=tx.experiment_id)
    if row is None:
        tx.run(_ADD, experiment_id=tx.experiment_id)
        return _scores(tx)
    return row


def is_better(tx: Tx, value: float, than: float) -> bool:
    """Whether the objective prefers a value over another."""
    return value < than if is_minimised(tx) else value > than
