"""How many tasks of each kind a worker handed in, and how long they took it."""

from typing import Any

from sqlalchemy import Integer, literal_column, select

from control_plane.db.command import Command
from control_plane.db.transaction import Tx
from control_plane.db.upsert import inserts
from control_plane.task_store.pace_tables import paces
from control_plane.task_store.rules.paces import bucket_of, middle
from store_client.wire.paces import Pace, PaceList
from store_client.wire.scalars import parse_time

_KEYS = ("experiment_id", "worker_id", "kind", "bucket")
_ONE = literal_column("1", Integer)


def _counted(begun: Any) -> Any:
    """One more in a bucket."""
    statement = begun.values(tasks=_ONE)
    return statement.on_conflict_do_update(index_elements=_KEYS, set_={"tasks": paces.c.tasks + _ONE})


_COUNT = Command({name: _counted(begun) for name, begun in inserts(paces).items()}, *_KEYS)


def count(tx: Tx, kind: str, claimed_at: str | None) -> None:
    """The caller hands a task in that it claimed then."""
    if claimed_at is None:  # its claim came from elsewhere, without its time
        return
    seconds = (parse_time(tx.now) - parse_time(claimed_at)).total_seconds()
    values = (tx.experiment_id, tx.caller.worker_id, kind, bucket_of(seconds))
    _COUNT.run(tx.connection, dict(zip(_KEYS, values, strict=True)))


def read(tx: Tx, worker_id: str) -> PaceList:
    """By kind of task; nothing of a worker that has handed nothing in."""
    query = select(paces.c.kind, paces.c.bucket, paces.c.tasks)
    query = query.where(paces.c.experiment_id == tx.experiment_id, paces.c.worker_id == worker_id)
    counts: dict[str, dict[int, int]] = {}
    for row in tx.connection.execute(query.order_by(paces.c.kind)):
        counts.setdefault(row.kind, {})[row.bucket] = row.tasks
    told = (Pace(kind=kind, tasks=sum(of.values()), median_seconds=middle(of) or 0.0) for kind, of in counts.items())
    return PaceList(paces=tuple(told))
