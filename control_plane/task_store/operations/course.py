"""The course of an experiment, as pages draw it: as much to read of many variants as of few."""

from typing import Any

from sqlalchemy import Column, Select, select

from control_plane.db.tables import scores
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import courses
from control_plane.task_store.score_tables import OBJECTIVE, course_widths, measurements, records
from control_plane.task_store.score_tables import courses as table
from control_plane.task_store.tables import IS_BASELINE, variants
from store_client.wire.calls.variants import CourseQuery
from store_client.wire.courses import Course, CoursePoint, Improvement
from store_client.wire.stretches import Mark


def read(tx: Tx, query: CourseQuery) -> Course:
    """The course of the objective or of a metric; failures stand on every course."""
    metric = query.metric or OBJECTIVE
    found = courses.read(tx, {metric, OBJECTIVE})
    failed = [stretch.failed for stretch in found[OBJECTIVE].values() if stretch.failed is not None]
    marks = {mark.number: mark for mark in failed}
    marks |= {mark.number: mark for stretch in found[metric].values() for mark in stretch.marks}
    return Course(
        metric=query.metric,
        width=tx.connection.scalar(_here(course_widths.c.width, tx)) or 1,
        last=max((mark.number for each in found.values() for one in each.values() for mark in one.marks), default=0),
        baseline=_baseline(tx, metric),
        points=tuple(_point(marks[number]) for number in sorted(marks)),
        metrics=tuple(
            tx.connection.scalars(
                _here(table.c.metric, tx).where(table.c.metric != OBJECTIVE).distinct().order_by(table.c.metric)
            )
        ),
        improvements=_improvements(tx, query.improvements),
    )


def _baseline(tx: Tx, metric: str) -> float | None:
    if metric == OBJECTIVE:
        found: float | None = tx.connection.scalar(_here(scores.c.baseline_value, tx))
        return found
    number = _here(variants.c.number, tx).where(IS_BASELINE).scalar_subquery()
    query = _here(measurements.c.value, tx).where(measurements.c.metric == metric, measurements.c.number == number)
    measured: float | None = tx.connection.scalar(query)
    return measured


def _improvements(tx: Tx, limit: int) -> tuple[Improvement, ...]:
    names = ("number", "variant_id", "label", "value", "before", "at")
    query = select(*(records.c[name] for name in names)).where(records.c.experiment_id == tx.experiment_id)
    found = tx.connection.execute(query.order_by(records.c.place.desc()).limit(limit)).mappings()
    return tuple(Improvement(**row) for row in found)


def _point(mark: Mark) -> CoursePoint:
    return CoursePoint(
        number=mark.number, variant_id=mark.variant_id, label=mark.label, value=mark.value, status=mark.status
    )


def _here(column: Column[Any], tx: Tx) -> Select[Any]:
    return select(column).where(column.table.c.experiment_id == tx.experiment_id)
