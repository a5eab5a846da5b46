"""Leases as this deployment's own orchestrators keep them: many at once, fenced by epoch, taken over from the dead."""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import ColumnElement, select, update

from control_plane.db.engine import time_of
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.registry.operations import bootstrap, leases
from control_plane.registry.rules import leases as rules
from control_plane.registry.rules.leases import Held, Holder, Row
from control_plane.registry.tables import leases as table
from control_plane.registry.tables import registrations, services
from store_client.errors import LeaseNotHeld

IsDead = Callable[[str], bool]
"""Whether no process lives that holds the name of an orchestrator."""


def begin(tx: Tx, name: str, instance: str) -> Holder:
    """A new instance of the deployment's orchestrator of this name; what earlier ones held is released.

    Only for who holds the name: then nobody else can be alive that acts in it.
    """
    worker_id = bootstrap.service(tx.at(DEPLOYMENT), name, "orchestrators")
    left = (table.c.holder == worker_id) & table.c.released_at.is_(None)
    tx.connection.execute(update(table).where(left).values(released_at=tx.now))
    return Holder(worker_id, instance)


def available(tx: Tx, experiment_ids: Collection[str], is_dead: IsDead) -> list[str]:
    """The registered ones of these experiments that nobody living holds the lease on."""
    now = time_of(tx.connection, tx.now)
    return [row["experiment_id"] for row in _rows(tx, experiment_ids) if _is_available(row, now, is_dead)]


def acquire_all(tx: Tx, experiment_ids: Collection[str], by: tuple[Holder, float], is_dead: IsDead) -> Sequence[Held]:
    """Leases on those that are available, for a holder and so many seconds."""
    holder, lease_seconds = by
    taken = []
    for row in _rows(tx, experiment_ids):
        if _is_available(row, tx.now, is_dead):
            epoch = (row["epoch"] or 0) + 1
            made = leases.put(tx, row["experiment_id"], (holder, epoch), lease_seconds)
            taken.append(Held(row["experiment_id"], made["lease_id"], epoch))
    return taken


def renew_all(tx: Tx, holder: Holder, lease_seconds: float) -> Collection[str]:
    """Renew whatever this instance still holds; the experiments."""
    still = _of(holder) & (table.c.expires_at >= tx.now)
    renewed = {"renewed_at": tx.now, "expires_at": rules.expiry(tx.now, lease_seconds)}
    tx.connection.execute(update(table).where(still).values(renewed))
    return set(tx.connection.scalars(select(table.c.experiment_id).where(still)))


def release_all(tx: Tx, holder: Holder, experiment_ids: Collection[str]) -> None:
    """End what this instance holds of these experiments' leases."""
    ended = _of(holder) & table.c.experiment_id.in_(experiment_ids)
    tx.connection.execute(update(table).where(ended).values(released_at=tx.now))


def verify(tx: Tx, held: Held) -> None:
    """Raise unless this very lease is active: in the transaction of a write, it fences the write."""
    row = rules.verify(leases.of_experiment(tx, held.experiment_id), held.lease_id, tx.now)
    if row["epoch"] != held.epoch:
        raise LeaseNotHeld("the lease was replaced")


def _of(holder: Holder) -> ColumnElement[bool]:
    return (
        (table.c.holder == holder.worker_id)
        & (table.c.holder_instance == holder.instance)
        & table.c.released_at.is_(None)
    )


def _rows(tx: Tx, experiment_ids: Collection[str]) -> list[Row]:
    """The registered ones of these experiments, each with its newest lease and whether that is an orchestrator's."""
    both = registrations.outerjoin(table, table.c.experiment_id == registrations.c.experiment_id)
    both = both.outerjoin(services, services.c.worker_id == table.c.holder)
    wanted = (registrations.c.experiment_id, table.c.epoch, table.c.expires_at, table.c.released_at)
    query = select(*wanted, services.c.name).select_from(both)
    found = tx.connection.execute(query.where(registrations.c.experiment_id.in_(experiment_ids)))
    return [row._asdict() for row in found]


def _is_available(row: Row, now: str, is_dead: IsDead) -> bool:
    if row["epoch"] is None or not rules.is_active(row, now):
        return True
    return row["name"] is not None and is_dead(row["name"])
