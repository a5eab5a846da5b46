"""What ended attempts took: the newest of each kind, and the newest of all."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from control_plane.db.command import Command
from control_plane.db.transaction import Tx
from control_plane.scheduler.duration_tables import durations
from control_plane.scheduler.rules.durations import History, Kind, kind_of
from store_client.wire.jobs import ExitCause, Resources
from store_client.wire.scalars import parse_time

RING = 200
"""So many of a kind are kept."""
KEPT = 20_000
"""So many of all kinds."""
SWEEP_EVERY = 500
NEWEST = 1000
MOST_OF_KINDS = 10_000
TELLING: frozenset[ExitCause] = frozenset({"finished", "user_error", "timeout", "out_of_memory"})
"""Endings of an attempt's own; one that was cut short says nothing on how long it takes."""

_AGAIN = Command(
    update(durations).where(durations.c.kind == bindparam("of"), durations.c.place == bindparam("at")),
    "seconds", "ended_at",
)  # fmt: skip
_FIRST = Command(insert(durations), "kind", "place", "experiment_id", "work", "shape", "seconds", "ended_at")


def add_all(tx: Tx, ended: Iterable[tuple[RowMapping, ExitCause]]) -> None:
    """Keep what attempts took that end now; each with the row of its job before the end."""
    telling = [row for row, cause in ended if cause in TELLING and row["started_at"] is not None]
    asked: dict[str, Resources] = {}
    runs = [_run(tx.now, row, asked) for row in telling]
    if runs and _AGAIN.run_all(tx.batch.bare, [again for again, _ in runs]) != len(runs):
        for again, first in runs:
            if _AGAIN.run(tx.batch.bare, again) == 0:
                _FIRST.run(tx.batch.bare, {**again, **first})
    if any(row["number"] % SWEEP_EVERY == 0 for row in telling):
        _sweep(tx)


def _run(now: str, job: RowMapping, asked: dict[str, Resources]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an attempt took, and what is said of its kind when it is the first in its place."""
    resources = asked.get(words := str(job["resources"]))
    if resources is None:
        resources = asked[words] = Resources.model_validate(job["resources"])
    kind, place = kind_of(job["experiment_id"], job["role"], job["name"], resources), job["number"] % RING
    seconds = (parse_time(now) - parse_time(job["started_at"])).total_seconds()
    again = {"of": kind.key, "at": place, "seconds": max(seconds, 0.0), "ended_at": now}
    facts = {"experiment_id": kind.experiment_id, "work": kind.work, "shape": kind.shape}
    return again, {"kind": kind.key, "place": place, **facts}


def _sweep(tx: Tx) -> None:
    """Forget the oldest of all kinds beyond what is kept."""
    oldest = select(durations.c.ended_at).order_by(durations.c.ended_at.desc()).offset(KEPT).limit(1)
    last = tx.connection.scalar(oldest)
    if last is not None:
        tx.connection.execute(delete(durations).where(durations.c.ended_at <= last))


def history(tx: Tx, kinds: Collection[Kind]) -> History:
    """What is known of these kinds, and, for what is unlike any of them, of the newest attempts."""
    told = select(durations.c.experiment_id, durations.c.work, durations.c.shape, durations.c.seconds)
    told = told.add_columns(durations.c.kind, durations.c.place)
    newest = tx.connection.execute(told.order_by(durations.c.ended_at.desc()).limit(NEWEST)).all()
    theirs = told.where(durations.c.kind.in_([kind.key for kind in kinds])).limit(MOST_OF_KINDS)
    runs = {(row.kind, row.place): row for row in (*newest, *tx.connection.execute(theirs).all())}
    return History.told((Kind(row.experiment_id, row.work, row.shape), row.seconds) for row in runs.values())
