"""Measurements, courses and records: kept as variants end, so that pages read a bounded part of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.db.upsert import inserts
from control_plane.task_store import rows
from control_plane.task_store.score_tables import OBJECTIVE, course_widths, courses, measurements, records
from store_client.wire import stretches as rules
from store_client.wire.stretches import Mark, Stretch

_WIDTH = Question(select(course_widths).where(course_widths.c.experiment_id == bindparam("here")))
_LAST = Question(
    select(func.coalesce(func.max(records.c.place), 0).label("place")).where(
        records.c.experiment_id == bindparam("here")
    )
)
_MEASURED, _RECORDED, _WIDE = insert(measurements), insert(records), insert(course_widths)
Courses = dict[str, dict[int, Stretch]]
Row = RowMapping | Mapping[str, Any]


def end(tx: Tx, variant: Row) -> None:
    """Note what a variant that has ended measured, and where it stands on the courses."""
    numbers = measure(tx, [variant])
    if variant["kind"] is not None:
        return
    width = _width_for(tx, variant["number"])
    mark = _mark(tx, variant)
    at = rules.place(mark.number, width)
    marks = {OBJECTIVE: mark} | {
        metric: Mark(mark.number, mark.variant_id, mark.label, value) for metric, _, value in numbers
    }
    kept = read(tx, marks, at)
    _keep(
        tx, {metric: {at: rules.merged(kept[metric].get(at, Stretch()), Stretch.of(marks[metric]))} for metric in marks}
    )


def measure(tx: Tx, variants: Iterable[Row]) -> list[tuple[str, int, float]]:
    """Write the metrics of variants that succeeded; those that are numbers are handed back."""
    found, numbers = [], []
    for variant in variants:
        for metric, measured in (variant["evaluation"] or {}).items():
            value, word = rules.number_in(measured), rules.word_in(measured)
            if value is None and word is None:
                continue
            row = {"metric": metric, "number": variant["number"], "value": value, "word": word}
            found.append({"experiment_id": tx.experiment_id, **row})
            if value is not None:
                numbers.append((metric, variant["number"], value))
    tx.run_all(_MEASURED, found)
    return numbers


def read(tx: Tx, metrics: Iterable[str], at: int | None = None) -> Courses:
    """The courses of these metrics, or one stretch of each."""
    wanted = list(metrics)
    query = select(courses).where(courses.c.experiment_id == tx.experiment_id, courses.c.metric.in_(wanted))
    if at is not None:
        query = query.where(courses.c.bucket == at)
    found: Courses = {metric: {} for metric in wanted}
    for row in tx.rows(query.order_by(courses.c.metric, courses.c.bucket)):
        found[row["metric"]][row["bucket"]] = _stretch(row)
    return found


def record(tx: Tx, variant: Row, before: float | None) -> str:
    """Note a variant that is better than everything scored before it; what it is called."""
    last = tx.first(_LAST, here=tx.experiment_id)
    row = {
        "experiment_id": tx.experiment_id,
        "place": (last["place"] if last is not None else 0) + 1,
        "number": variant["number"],
        "variant_id": variant["variant_id"],
        "label": (called := label(tx, variant)),
        "value": variant["objective_value"],
        "before": before,
        "at": variant["completed_at"] or variant["started_at"],
    }
    tx.run_all(_RECORDED, [row])
    return called


def label(tx: Tx, variant: Row) -> str:
    """What a variant is called."""
    return str(variant["kind"] or rows.idea(tx, variant["idea_id"])["slug"])


def write(tx: Tx, width: int, found: Mapping[str, Mapping[int, Stretch]]) -> None:
    """Write the courses of an experiment that has none yet."""
    tx.run(_WIDE, experiment_id=tx.experiment_id, width=width)
    _keep(tx, found)


def _width_for(tx: Tx, number: int) -> int:
    """How wide the experiment's stretches are, once they reach as far as this number."""
    row, needed = tx.first(_WIDTH, here=tx.experiment_id), rules.width_for(number)
    if row is None:
        tx.run(_WIDE, experiment_id=tx.experiment_id, width=needed)
        return needed
    width = int(row["width"])
    if needed > width:
        _widen(tx, needed // width)
        here = course_widths.c.experiment_id == tx.experiment_id
        tx.run(update(course_widths).where(here).values(width=needed))
    return max(needed, width)


def _widen(tx: Tx, by: int) -> None:
    here = courses.c.experiment_id == tx.experiment_id
    found: Courses = {}
    for row in tx.rows(select(courses).where(here)):
        found.setdefault(row["metric"], {})[row["bucket"]] = _stretch(row)
    tx.run(delete(courses).where(here))
    _keep(tx, {metric: rules.widened(stretches, by) for metric, stretches in found.items()})


def _mark(tx: Tx, variant: Row) -> Mark:
    value = rules.number_in(variant["objective_value"])
    return Mark(variant["number"], variant["variant_id"], label(tx, variant), value, variant["status"])


def _stretch(row: Row) -> Stretch:
    return Stretch(*(Mark.read(row[name]) for name in ("low", "high", "failed")))


def _keep(tx: Tx, found: Mapping[str, Mapping[int, Stretch]]) -> None:
    written = [
        {"experiment_id": tx.experiment_id, "metric": metric, "bucket": at, **_written(stretch)}
        for metric, stretches in found.items()
        for at, stretch in stretches.items()
    ]
    tx.run_all(_KEEP[tx.batch.bare.dialect.name], written)


def _written(stretch: Stretch) -> dict[str, Any]:
    kept = {"low": stretch.low, "high": stretch.high, "failed": stretch.failed}
    return {name: mark and mark.written() for name, mark in kept.items()}


def _upsert(statement: Any) -> Any:
    told = {name: statement.excluded[name] for name in ("low", "high", "failed")}
    return statement.on_conflict_do_update(index_elements=["experiment_id", "metric", "bucket"], set_=told)


_KEEP = {name: _upsert(begun) for name, begun in inserts(courses).items()}
