"""Whether anybody decides: leases that are held, and the last sign of who holds them."""

from sqlalchemy import func, select

from control_plane.db.transaction import Tx
from control_plane.registry.tables import leases


def read(tx: Tx) -> tuple[int, str | None]:
    """How many leases are held now, and when one was renewed last."""
    held = select(func.count()).where(leases.c.released_at.is_(None), leases.c.expires_at > tx.now)
    return tx.connection.scalar(held) or 0, tx.connection.scalar(select(func.max(leases.c.renewed_at)))
