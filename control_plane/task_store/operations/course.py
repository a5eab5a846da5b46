"""The course of an experiment, as pages draw it: as much to read of many variants as of few."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Column, RowMapping, Select, bindparam, select

from control_plane.db.question import Question
from control_plane.db.tables import scores
from control_plane.db.transaction import Tx
from control_plane.task_store.score_tables import OBJECTIVE, course_widths, measurements, records
from control_plane.task_store.score_tables import courses as table
from control_plane.task_store.tables import IS_BASELINE, variants
from store_client.wire.calls.variants import CourseQuery
from store_client.wire.courses import Course, CoursePoint, Improvement
from store_client.wire.stretches import Mark

POINT = tuple(field.name for field in fields(Mark))
"""What is written down of a variant on a course, in this order."""


def _asked(column: Column[Any]) -> Select[Any]:
    return select(column).where(column.table.c.experiment_id == bindparam("here"))


_WIDTH, _BASELINE = Question(_asked(course_widths.c.width)), Question(_asked(scores.c.baseline_value))
_COURSES = Question(
    select(table)
    .where(
        table.c.experiment_id == bindparam("here"), table.c.metric.in_([bindparam("metric"), bindparam("objective")])
    )
    .order_by(table.c.metric, table.c.bucket)
)
_METRICS = Question(_asked(table.c.metric).where(table.c.metric != OBJECTIVE).distinct().order_by(table.c.metric))


def read(tx: Tx, query: CourseQuery) -> Course:
    """The course of the objective or of a metric; failures stand on every course."""
    metric = query.metric or OBJECTIVE
    rows = _COURSES.all(tx.connection, {"here": tx.experiment_id, "metric": metric, "objective": OBJECTIVE})
    marks = {row["failed"][0]: row["failed"] for row in rows if row["metric"] == OBJECTIVE and row["failed"]}
    marks |= {mark[0]: mark for row in rows if row["metric"] == metric for mark in _marks(row)}
    return Course(
        metric=query.metric,
        width=_first(_WIDTH, tx) or 1,
        last=max((mark[0] for row in rows for mark in _marks(row)), default=0),
        baseline=_baseline(tx, metric),
        points=tuple(_point(marks[number]) for number in sorted(marks)),
        metrics=tuple(row["metric"] for row in _METRICS.all(tx.connection, {"here": tx.experiment_id})),
        improvements=_improvements(tx, query.improvements),
    )


def _first(question: Question, tx: Tx) -> Any:
    """The one value of the one row, if there is one."""
    found = question.first(tx.connection, {"here": tx.experiment_id})
    return None if found is None else next(iter(found.values()))


def _baseline(tx: Tx, metric: str) -> float | None:
    if metric == OBJECTIVE:
        found: float | None = _first(_BASELINE, tx)
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


def _marks(row: RowMapping) -> list[list[Any]]:
    """What is written down of a stretch, each of them as it is written."""
    return [mark for mark in (row["failed"], row["low"], row["high"]) if mark is not None]


def _point(mark: list[Any]) -> CoursePoint:
    """A mark as it is written; what is left out at its end says that the variant succeeded."""
    return CoursePoint(**{"status": Mark.status, **dict(zip(POINT, mark, strict=False))})


def _here(column: Column[Any], tx: Tx) -> Select[Any]:
    return select(column).where(column.table.c.experiment_id == tx.experiment_id)
