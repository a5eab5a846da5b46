"""Leases (protocol §11.4, §11.5): at most one active one per experiment, by a row each and one writer at a time.

The time is the transaction's, which is the database's. Every lease on an experiment has a higher epoch than the last.
"""

from typing import Any

from sqlalchemy import ColumnElement, select, update

from control_plane.db.engine import time_of
from control_plane.db.transaction import Tx
from control_plane.registry.operations import registrations
from control_plane.registry.rules import leases as rules
from control_plane.registry.rules.leases import Holder, Row
from control_plane.registry.tables import leases
from store_client.errors import Forbidden
from store_client.wire.calls.control import LeaseFilter
from store_client.wire.leases import AcquireLease, HoldLease, Lease, LeaseList


def acquire(tx: Tx, entry_id: str, body: AcquireLease, *, lease_seconds: float) -> Lease:
    """A new lease for the calling worker on a registered experiment that nobody holds."""
    if body.holder != tx.caller.worker_id:
        raise Forbidden("a worker acquires leases for itself alone")
    registrations.must_have(tx, entry_id)
    epoch = rules.acquire(of_experiment(tx, entry_id), tx.now)
    return to_lease(put(tx, entry_id, (Holder(body.holder, body.holder_instance), epoch), lease_seconds))


def renew(tx: Tx, lease_id: str, body: HoldLease, *, lease_seconds: float) -> Lease:
    """Let a lease last from now on for as long as a new one."""
    by = Holder(tx.caller.worker_id, body.holder_instance)
    lease = rules.renew(_named(tx, lease_id), by, tx.now)
    changed = {"renewed_at": tx.now, "expires_at": rules.expiry(tx.now, lease_seconds)}
    tx.connection.execute(update(leases).where(leases.c.lease_id == lease_id).values(changed))
    return to_lease({**lease, **changed})


def release(tx: Tx, lease_id: str, body: HoldLease) -> None:
    """End a lease now; one that has gone already stays so."""
    if rules.release(_named(tx, lease_id), Holder(tx.caller.worker_id, body.holder_instance)):
        tx.connection.execute(update(leases).where(leases.c.lease_id == lease_id).values(released_at=tx.now))


def fence(tx: Tx, lease_id: str) -> None:
    """Refuse to go on unless this lease is the active one on the transaction's experiment."""
    rules.verify(of_experiment(tx, tx.experiment_id), lease_id, tx.now)


def list_active(tx: Tx, query: LeaseFilter) -> LeaseList:
    """The active leases of a holder, whichever of its instances holds them; for itself and the admin."""
    if not tx.caller.is_admin and tx.caller.worker_id != query.holder:
        raise Forbidden("a worker sees its own leases alone")
    now = time_of(tx.connection, tx.now)
    found = tx.connection.execute(select(leases).where(leases.c.holder == query.holder).order_by(leases.c.acquired_at))
    rows = [row._asdict() for row in found]
    return LeaseList(leases=tuple(to_lease(row) for row in rows if rules.is_active(row, now)))


def put(tx: Tx, experiment_id: str, who: tuple[Holder, int], lease_seconds: float) -> dict[str, Any]:
    """Write a new lease in place of the experiment's last one: (holder, epoch)."""
    holder, epoch = who
    row = {
        "experiment_id": experiment_id,
        "lease_id": tx.mint("lease"),
        "epoch": epoch,
        "holder": holder.worker_id,
        "holder_instance": holder.instance,
        "acquired_at": tx.now,
        "expires_at": rules.expiry(tx.now, lease_seconds),
        "renewed_at": tx.now,
        "released_at": None,
    }
    old = leases.c.experiment_id == experiment_id
    if tx.connection.execute(update(leases).where(old).values(row)).rowcount == 0:
        tx.connection.execute(leases.insert().values(row))
    return row


def of_experiment(tx: Tx, experiment_id: str) -> Row | None:
    """The experiment's newest lease, active or not."""
    return _find(tx, leases.c.experiment_id == experiment_id)


def to_lease(row: Row) -> Lease:
    return Lease(**{name: row[name] for name in Lease.model_fields})


def _named(tx: Tx, lease_id: str) -> Row | None:
    return None if "\x00" in lease_id else _find(tx, leases.c.lease_id == lease_id)


def _find(tx: Tx, which: ColumnElement[bool]) -> Row | None:
    row = tx.connection.execute(select(leases).where(which)).first()
    return None if row is None else row._asdict()
