"""Measurements, courses and records of an experiment that came whole, read once from its variants."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, insert, select, update

from control_plane.db.tables import scores
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import courses, progress
from control_plane.task_store.score_tables import OBJECTIVE, records
from control_plane.task_store.tables import ideas, variants
from store_client.wire import stretches as rules
from store_client.wire.stretches import Mark, Stretch

BATCH = 2000
Row = dict[str, Any]


def write(tx: Tx) -> None:
    """Write what the variants of this experiment measured, as if each had ended here."""
    last = tx.connection.scalar(select(func.max(variants.c.number)).where(variants.c.experiment_id == tx.experiment_id))
    if last is None:
        return
    width = rules.width_for(last)
    found: dict[str, dict[int, Stretch]] = {}
    for batch in _batches(tx):
        numbers = courses.measure(tx, batch)
        marks = {row["number"]: _mark(row) for row in batch if row["kind"] is None}
        told = [(OBJECTIVE, mark) for mark in marks.values()]
        told += [
            (metric, Mark(number, marks[number].variant_id, marks[number].label, value))
            for metric, number, value in numbers
            if number in marks
        ]
        for metric, mark in told:
            stretches = found.setdefault(metric, {})
            at = rules.place(mark.number, width)
            stretches[at] = rules.merged(stretches.get(at, Stretch()), Stretch.of(mark))
    courses.write(tx, width, found)
    write_records(tx)


def _batches(tx: Tx) -> Iterator[list[Row]]:
    """The variants that have ended, by number."""
    ended = _labelled(tx).where(variants.c.status != "starting").order_by(variants.c.number)
    after = 0
    while rows := tx.connection.execute(ended.where(variants.c.number > after).limit(BATCH)).mappings().all():
        yield [dict(row) for row in rows]
        after = rows[-1]["number"]


def _labelled(tx: Tx) -> Any:
    same = (ideas.c.experiment_id == variants.c.experiment_id) & (ideas.c.idea_id == variants.c.idea_id)
    told = (variants, func.coalesce(variants.c.kind, ideas.c.slug, variants.c.variant_id).label("label"))
    return select(*told).outerjoin(ideas, same).where(variants.c.experiment_id == tx.experiment_id)


def _mark(row: Row) -> Mark:
    return Mark(row["number"], row["variant_id"], row["label"], rules.number_in(row["objective_value"]), row["status"])


def write_records(tx: Tx) -> None:
    """Every score that was better than those before it, in the order in which variants ended."""
    best: Row | None = None
    steps: list[list[float]] = []
    scored = _labelled(tx).where(variants.c.objective_value.is_not(None))
    for row in tx.connection.execute(scored.order_by(variants.c.completed_at, variants.c.number)).mappings():
        value = row["objective_value"]
        if best is not None and not progress.is_better(tx, value, best["objective_value"]):
            continue
        before, best = best and best["objective_value"], dict(row)
        steps.append([row["number"], value])
        names = ("number", "variant_id", "label")
        told = {name: row[name] for name in names} | {"value": value, "before": before, "place": len(steps)}
        at = row["completed_at"] or row["started_at"]
        tx.connection.execute(insert(records), [{"experiment_id": tx.experiment_id, **told, "at": at}])
    while len(steps) > rules.STEPS:
        steps = rules.thinned(steps)
    if best is not None:
        changed = update(scores).where(scores.c.experiment_id == tx.experiment_id)
        tx.connection.execute(changed.values(best_label=best["label"], steps=steps))
