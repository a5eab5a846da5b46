"""Time as leases see it: on PostgreSQL nobody can set the clock, so the leases are moved into the past instead."""

from datetime import timedelta

from sqlalchemy import select, update

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.registry.tables import leases
from store_client.wire.scalars import format_time, parse_time

MOMENTS = ("acquired_at", "renewed_at", "expires_at")


def pass_time(house: House, seconds: float) -> None:
    """Let so many seconds pass for every lease."""

    def move(tx: Tx) -> None:
        for row in tx.connection.execute(select(leases)).mappings().all():
            moved = {name: format_time(parse_time(row[name]) - timedelta(seconds=seconds)) for name in MOMENTS}
            which = leases.c.experiment_id == row["experiment_id"]
            tx.connection.execute(update(leases).where(which).values(moved))

    house.writer.write(move)
