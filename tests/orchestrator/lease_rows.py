"""Leases as the database has them, and as another worker of the deployment takes them."""

from typing import Any

from sqlalchemy import select, update

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller, Tx
from control_plane.edge.house import House
from control_plane.registry.operations import leases, workers
from control_plane.registry.tables import leases as table
from store_client.wire.leases import AcquireLease, Lease

SECONDS = 30.0


def rows(house: House) -> dict[str, Any]:
    """The leases by experiment."""
    with house.database.reading() as connection:
        return {row["experiment_id"]: row for row in connection.execute(select(table)).mappings()}


def replace_lease(house: House, experiment_id: str) -> None:
    """Another worker of the deployment has the lease now, as after an expiry that this process slept through."""
    house.writer.write(lambda tx: _replace(tx, experiment_id))


def _replace(tx: Tx, experiment_id: str) -> Lease:
    inside = tx.at(DEPLOYMENT)
    holder = workers.make(inside, "theirs")
    which = table.c.experiment_id == experiment_id
    tx.connection.execute(update(table).where(which).values(expires_at="2020-01-01T00:00:00.000000Z"))
    body = AcquireLease(holder=holder, holder_instance="theirs")
    return leases.acquire(inside.at(DEPLOYMENT, Caller(holder)), experiment_id, body, lease_seconds=SECONDS)
