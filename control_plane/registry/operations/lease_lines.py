"""Leases as an administrator sees them: who decides in each registered experiment, and ending a lease for its holder.

Whoever lost a lease this way learns of it at the next write, which its lease fences (decision 6); the experiment is
then free for any orchestrator, that one too.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select, update

from control_plane.db.tables import DEPLOYMENT, experiments, workers
from control_plane.db.transaction import Tx
from control_plane.registry.operations import registrations
from control_plane.registry.rules import leases as rules
from control_plane.registry.rules.leases import Row
from control_plane.registry.tables import leases
from control_plane.registry.tables import registrations as registered
from store_client.errors import NotFound
from store_client.wire.calls.control import LeaseLineQuery
from store_client.wire.experiments import LeaseGlance, Status
from store_client.wire.leases import Lease, LeaseLine, LeaseLineList


def list_all(tx: Tx, query: LeaseLineQuery) -> LeaseLineList:
    """A page of the registered experiments, the newest first."""
    entries = registrations.entries().where(*_like(query)).order_by(registered.c.experiment_id.desc())
    found = [row._asdict() for row in tx.connection.execute(entries.limit(query.limit + 1))]
    shown = found[: query.limit]
    is_held = leases.c.released_at.is_(None) & (leases.c.expires_at >= tx.now)
    return LeaseLineList(
        lines=_lines(tx, shown),
        held=tx.connection.scalar(select(func.count()).select_from(leases).where(is_held)) or 0,
        next=shown[-1]["experiment_id"] if len(found) > query.limit else None,
    )


def end(tx: Tx, lease_id: str) -> LeaseLine:
    """Release a lease whoever holds it; one that has gone already stays so. NotFound when it was replaced."""
    query = select(leases.c.experiment_id, leases.c.holder, leases.c.released_at, leases.c.expires_at)
    found = tx.connection.execute(query.where(leases.c.lease_id == lease_id)).first()
    if found is None:
        raise NotFound("this lease was replaced by another one")
    lease = found._asdict()
    if rules.is_active(lease, tx.now):
        tx.connection.execute(update(leases).where(leases.c.lease_id == lease_id).values(released_at=tx.now))
        tx.at(DEPLOYMENT).tell(
            "lease.ended",
            lease_id=lease_id,
            of=lease["experiment_id"],
            worker_id=lease["holder"],
            by=tx.caller.worker_id,
        )
    (line,) = _lines(tx, [registrations.must_have(tx, lease["experiment_id"])])
    return line


def glances(tx: Tx, experiment_ids: Sequence[str]) -> dict[str, LeaseGlance]:
    """Who decides now in those of these experiments that somebody decides in."""
    wanted = select(leases.c.experiment_id, leases.c.holder, leases.c.released_at, leases.c.expires_at)
    rows = tx.connection.execute(wanted.where(leases.c.experiment_id.in_(experiment_ids))).mappings()
    held = [row for row in rows if rules.is_active(dict(row), tx.now)]
    named = _names(tx, [row["holder"] for row in held])
    return {
        row["experiment_id"]: LeaseGlance(
            holder=row["holder"], holder_name=named.get(row["holder"]), expires_at=row["expires_at"]
        )
        for row in held
    }


def _like(query: LeaseLineQuery) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if query.after is not None:
        asked.append(registered.c.experiment_id < query.after)
    if query.q is not None:
        places = (registered.c.name, experiments.c.name, registered.c.experiment_id)
        asked.append(or_(*(place.icontains(query.q, autoescape=True) for place in places)))
    return asked


def _lines(tx: Tx, rows: Sequence[Row]) -> tuple[LeaseLine, ...]:
    held = {row["experiment_id"]: row for row in rows if row["lease_id"] is not None and rules.is_active(row, tx.now)}
    holders = _names(tx, [row["holder"] for row in held.values()])
    return tuple(
        LeaseLine(
            **{key: row[key] for key in ("experiment_id", "name", "synced_at", "failures")},
            state=row["last_known_state"] if row["status"] is None else Status(row["status"]).state,
            is_here=row["status"] is not None,
            epoch=row["epoch"] or 0,
            lease=Lease(**{name: row[name] for name in registrations.LEASE_FIELDS}) if id_ in held else None,
            holder_name=holders.get(row["holder"]) if id_ in held else None,
        )
        for row in rows
        for id_ in (row["experiment_id"],)
    )


def _names(tx: Tx, worker_ids: Sequence[str]) -> dict[str, str]:
    query = select(workers.c.worker_id, workers.c.name).where(workers.c.scope == DEPLOYMENT)
    found = tx.connection.execute(query.where(workers.c.worker_id.in_(worker_ids)))
    return {worker_id: name for worker_id, name in found if name is not None}
