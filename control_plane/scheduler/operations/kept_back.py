"""Keeping GPUs back and giving them out again: by people, and by the scheduler itself."""

from collections.abc import Collection, Mapping
from typing import Literal

from sqlalchemy import delete, insert, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.fleet_tables import gpu_states

SCHEDULER = "scheduler"
"""It keeps back what it found sick, and gives that out again by itself."""
TOLD = {"quarantined": "gpu.quarantined", "draining": "gpu.drained"}


def keep(tx: Tx, slot_id: str, state: Literal["quarantined", "draining"], reason: str) -> None:
    """Keep a GPU or a slice back on somebody's word."""
    _set(tx, slot_id, state, reason, tx.caller.worker_id)


def readmit(tx: Tx, slot_id: str) -> bool:
    """Whether it was kept back; from now on it is not."""
    changed = tx.connection.execute(delete(gpu_states).where(gpu_states.c.slot_id == slot_id))
    if changed.rowcount:
        tx.tell("gpu.readmitted", slot_id=slot_id, by=tx.caller.worker_id)
    return bool(changed.rowcount)


def note(tx: Tx, news: Mapping[str, str], well: Collection[str]) -> None:
    """What the scheduler found sick, and what it found well again; the word of people stands."""
    kept = set(tx.connection.scalars(gpu_states.select().with_only_columns(gpu_states.c.slot_id)))
    for slot_id, reason in news.items():
        if slot_id not in kept:
            _set(tx, slot_id, "quarantined", reason, SCHEDULER)
    for slot_id in well:
        ours = (gpu_states.c.slot_id == slot_id) & (gpu_states.c.set_by == SCHEDULER)
        if tx.connection.execute(delete(gpu_states).where(ours)).rowcount:
            tx.tell("gpu.readmitted", slot_id=slot_id, by=SCHEDULER)


def _set(tx: Tx, slot_id: str, state: str, reason: str, by: str) -> None:
    values = {"state": state, "reason": reason, "set_by": by, "since": tx.now}
    changed = tx.connection.execute(update(gpu_states).where(gpu_states.c.slot_id == slot_id).values(**values))
    if changed.rowcount == 0:
        tx.connection.execute(insert(gpu_states).values(slot_id=slot_id, **values))
    tx.tell(TOLD[state], slot_id=slot_id, reason=reason, by=by)
