"""What waits at each stage and since when, and what is stuck: a few index look-ups, however much there is."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, RowMapping, TextClause, bindparam, select

from control_plane.db import tally
from control_plane.db.question import Question
from control_plane.db.tables import workers
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import names
from control_plane.task_store.operations.details import Subjects
from control_plane.task_store.tables import IS_CLAIMED, IS_INTEGRABLE, IS_PENDING, tasks, variants
from store_client.wire.scalars import format_time, parse_time
from store_client.wire.stages import Stages, StageWork, StuckTask, UnmeasuredVariant
from store_client.wire.tasks import KINDS

SILENT_AFTER, LATELY = timedelta(minutes=10), timedelta(days=1)
LOOKED_AT, TOLD = 200, 5
_HERE: BindParameter[str] = bindparam("here")


def _first(column: Column[Any], *conditions: ColumnElement[bool] | TextClause) -> Question:
    """When the first of some rows came to wait."""
    rows = column.table.c
    return Question(
        select(column.label("since")).where(rows.experiment_id == _HERE, *conditions).order_by(rows.number).limit(1)
    )


_OLDEST_PENDING = _first(tasks.c.updated_at, tasks.c.kind == bindparam("kind"), IS_PENDING)
_OLDEST_INTEGRABLE = _first(variants.c.completed_at, IS_INTEGRABLE)
_HELD = Question(
    select(tasks, workers.c.name, workers.c.last_seen_at)
    .outerjoin_from(
        tasks, workers, (workers.c.scope == tasks.c.experiment_id) & (workers.c.worker_id == tasks.c.claimed_by)
    )
    .where(tasks.c.experiment_id == _HERE, IS_CLAIMED)
    .order_by(tasks.c.number)
    .limit(LOOKED_AT)
)
"""Claimed tasks with when their workers were heard of last."""
_UNMEASURED = Question(
    select(variants)
    .where(variants.c.experiment_id == _HERE, variants.c.status == "evaluation_error")
    .order_by(variants.c.number.desc())
    .limit(TOLD)
)


def read(tx: Tx) -> Stages:
    """The stages of one experiment."""
    counted = tally.read(tx.connection, tx.experiment_id)
    of_tasks = [
        StageWork(
            kind=kind,
            waiting=counted.get(f"tasks.{kind}.pending", 0),
            active=counted.get(f"tasks.{kind}.claimed", 0) + counted.get(f"tasks.{kind}.submitted", 0),
            oldest_waiting_at=_oldest(tx, _OLDEST_PENDING, kind=kind),
        )
        for kind in KINDS
    ]
    return Stages(
        stages=(*of_tasks, _integration(tx, counted.get("variants.success", 0), counted.get("variants.integrated", 0))),
        stuck=_stuck(tx),
        unmeasured=_unmeasured(tx),
    )


def _integration(tx: Tx, succeeded: int, integrated: int) -> StageWork:
    oldest = _oldest(tx, _OLDEST_INTEGRABLE)
    # A baseline succeeds, and is never integrated; when nothing is integrable nothing waits, whatever the counts say.
    waiting = max(succeeded - integrated - 1, 1) if oldest is not None else 0
    return StageWork(kind="integration", waiting=waiting, oldest_waiting_at=oldest)


def _oldest(tx: Tx, question: Question, **values: str) -> str | None:
    """The time of the first row, in the order in which rows came."""
    found = question.first(tx.connection, {"here": tx.experiment_id, **values})
    return None if found is None else found["since"]


def _stuck(tx: Tx) -> tuple[StuckTask, ...]:
    now = parse_time(tx.now)
    silent = format_time(now - SILENT_AFTER)
    found = [
        row
        for row in _HELD.all(tx.connection, {"here": tx.experiment_id})
        if _is_over(row, tx.now) or (row["last_seen_at"] or row["claimed_at"]) < silent
    ][:TOLD]
    subjects = Subjects(tx, found)
    return tuple(
        StuckTask(
            **{name: row[name] for name in ("task_id", "kind", "claimed_at", "expires_at", "last_seen_at")},
            title=subjects.title(row),
            worker_id=row["claimed_by"],
            worker_name=row["name"],
            why="expired" if _is_over(row, tx.now) else "silent",
        )
        for row in found
    )


def _is_over(row: RowMapping, now: str) -> bool:
    return row["lapses_at"] is not None and row["lapses_at"] < now


def _unmeasured(tx: Tx) -> tuple[UnmeasuredVariant, ...]:
    since = format_time(parse_time(tx.now) - LATELY)
    rows = _UNMEASURED.all(tx.connection, {"here": tx.experiment_id})
    lately = [row for row in rows if (row["completed_at"] or "") >= since]
    named = names.ideas_by_id(tx, (row["idea_id"] for row in lately))
    return tuple(
        UnmeasuredVariant(
            variant_id=row["variant_id"],
            label=names.label(row, named),
            attempts=row["evaluation_attempts"],
            completed_at=row["completed_at"],
        )
        for row in lately
    )
