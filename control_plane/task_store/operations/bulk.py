"""Acts on many tasks: previewed, begun on exactly what was previewed, and taken back where that is possible."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select

from control_plane.db.transaction import Tx
from control_plane.task_store.bulk_tables import bulk_acts, bulk_items
from control_plane.task_store.operations import bulk_choice, bulk_records, details, names
from control_plane.task_store.operations.listing import rows_of
from control_plane.task_store.ports import JobsOfTasks, no_jobs
from control_plane.task_store.tables import tasks
from store_client.errors import InvalidPrecondition, NotFound
from store_client.wire.bulk import MOST_AT_ONCE, BeginBulkAct, BulkAct, BulkPreview, ChooseTasks

SAMPLE = 20


def preview(tx: Tx, body: ChooseTasks, jobs: JobsOfTasks = no_jobs) -> BulkPreview:
    """How many tasks an act would concern, and the first of them."""
    up_to = tx.connection.scalar(select(func.max(tasks.c.number)).where(tasks.c.experiment_id == tx.experiment_id)) or 0
    chosen = bulk_choice.choose(tx, body, up_to)
    found = chosen.rows
    ids = [row["task_id"] for row in found[:SAMPLE]]
    rows = rows_of(tx, select(tasks).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.task_id.in_(ids)))
    ordered = sorted(rows, key=lambda row: ids.index(row["task_id"]))
    return BulkPreview(
        matched=min(len(found), MOST_AT_ONCE),
        is_more=chosen.is_more,
        up_to=up_to,
        sample=details.of_tasks(tx, ordered, jobs),
    )


def begin(tx: Tx, body: BeginBulkAct) -> BulkAct:
    """Write down what is to be done with which tasks; it is done by and by."""
    chosen = bulk_choice.choose(tx, body, body.up_to)
    found = chosen.rows
    if chosen.is_more:
        raise InvalidPrecondition(f"one act takes at most {MOST_AT_ONCE:,} tasks; name another condition")
    if len(found) != body.expected_count:
        raise InvalidPrecondition(f"it would concern {len(found):,} by now, not {body.expected_count:,}")
    target = body.new_target.id if body.new_target else None
    if target is not None:
        _must_be_known(tx, target)
    settled = bulk_choice.settled(tx, body.filter)
    items = [{"task_id": row["task_id"], "gives": target, "had": row["target_id"]} for row in found]
    return _begin(tx, items, act=body.act, filter=settled.to_wire(), target_id=target, reason=body.reason)


def undo(tx: Tx, act_id: str) -> BulkAct:
    """Give the tasks of an act back to whom they were for; of a claim that ended nothing comes back."""
    row = bulk_records.find(tx, act_id)
    if row["act"] != "reassign":
        raise InvalidPrecondition("a claim that was taken back is over; only tasks that were reassigned go back")
    if row["ended_at"] is None:
        raise InvalidPrecondition("wait until it has ended")
    if bulk_records.undone_by(tx, act_id) is not None:
        raise InvalidPrecondition("it has been taken back already")
    done = select(bulk_items).where(bulk_items.c.act_id == act_id, bulk_items.c.outcome == "done")
    found = rows_of(tx, done.order_by(bulk_items.c.place))
    items = [{"task_id": one["task_id"], "gives": one["had"], "had": one["gives"]} for one in found]
    reason = f"takes back: {row['reason']}"[:500]
    return _begin(tx, items, act="reassign", filter=row["filter"], target_id=None, reason=reason, undoes=act_id)


def _begin(tx: Tx, items: Sequence[dict[str, Any]], **said: Any) -> BulkAct:
    act_id, by = tx.mint("bulk"), tx.caller.worker_id
    row = {"act_id": act_id, "experiment_id": tx.experiment_id, "acted_by": by, "created_at": tx.now}
    ended_at = None if items else tx.now
    counts = {"total": len(items), "reached": 0, "refused": 0}
    tx.connection.execute(insert(bulk_acts).values(**row, **said, **counts, ended_at=ended_at))
    placed = [
        {"act_id": act_id, "place": place, "outcome": "waiting", **item} for place, item in enumerate(items, start=1)
    ]
    tx.run_all(insert(bulk_items), placed)
    tx.tell("bulk_act.began", act_id=act_id, act=said["act"], total=len(items), by=by)
    return bulk_records.read(tx, act_id)


def _must_be_known(tx: Tx, target_id: str) -> None:
    if target_id not in names.of_members(tx, (target_id,)):
        raise NotFound(f"nobody here has the id {target_id}")
