"""Claims after they are made: kept longer, given back, lost when they lapse."""

from sqlalchemy import Connection, func, select, update

from control_plane.db.tables import credentials
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.operations import tasks as operations
from control_plane.task_store.rules import claims
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import IS_CLAIMED, tasks
from store_client.wire.tasks import Claim, RenewClaim, Task

SWEEP_LIMIT = 200


def renew(tx: Tx, task_id: str, body: RenewClaim) -> Claim:
    """Keep one's own claim for so long from now; a lapsed claim that nobody took back can still be kept."""
    task = rows.task(tx, task_id)
    rules.move("renew", task)
    rules.must_hold(task, tx.caller.worker_id)
    expires_at = claims.after(tx.now, body.seconds)
    rows.change(tx, tasks, task_id, expires_at=expires_at, lapses_at=expires_at)
    tx.connection.execute(
        update(credentials)
        .where(credentials.c.scope == tx.experiment_id, credentials.c.worker_id == tx.caller.worker_id)
        .where(credentials.c.kind == "git")
        .where(credentials.c.task_id == task_id, credentials.c.claimed_at == task["claimed_at"])
        .values(expires_at=expires_at)
    )
    return Claim(worker_id=task["claimed_by"], claimed_at=task["claimed_at"], expires_at=expires_at)


def release(tx: Tx, task_id: str) -> Task:
    """Give one's own claim back."""
    task = rows.task(tx, task_id)
    rules.move("renew", task)
    rules.must_hold(task, tx.caller.worker_id)
    operations.take_back(tx, task, "operator")
    return records.task(rows.task(tx, task_id))


def sweep_expired(tx: Tx, limit: int = SWEEP_LIMIT) -> int:
    """Take back claims that have lapsed, in every experiment, oldest first; how many there were."""
    lapsed = select(tasks).where(IS_CLAIMED, tasks.c.lapses_at <= tx.now)
    found = tx.connection.execute(lapsed.order_by(tasks.c.lapses_at).limit(limit)).mappings().all()
    for task in found:
        operations.take_back(tx.at(task["experiment_id"]), task, "expired")
    return len(found)


def first_lapse(connection: Connection) -> str | None:
    """When the first of all claims lapses, or has."""
    return connection.scalar(select(tasks.c.lapses_at).where(IS_CLAIMED).order_by(tasks.c.lapses_at).limit(1))


def open_by_worker(tx: Tx) -> dict[str, int]:
    """How many tasks of the experiment each worker holds."""
    held = select(tasks.c.claimed_by, func.count()).where(tasks.c.experiment_id == tx.experiment_id)
    held = held.where(tasks.c.claimed_by.is_not(None)).group_by(tasks.c.claimed_by)
    return {row[0]: row[1] for row in tx.connection.execute(held)}
