"""The state of registered experiments that are hosted elsewhere (protocol §11.3): asked for in turn, and aging."""

from sqlalchemy import ColumnElement, exists, select, update

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.registry.rules.leases import expiry
from control_plane.registry.tables import registrations

AT_ONCE = 500


def take_due(tx: Tx, pause_seconds: float) -> list[str]:
    """The experiments to ask about now; whoever takes them, no other process does so for a while."""
    last = expiry(tx.now, -pause_seconds)
    is_due = registrations.c.polled_at.is_(None) | (registrations.c.polled_at <= last)
    query = select(registrations.c.experiment_id).where(_is_elsewhere(), is_due).order_by(registrations.c.polled_at)
    due = list(tx.connection.scalars(query.limit(AT_ONCE)))
    taken = update(registrations).where(registrations.c.experiment_id.in_(due))
    tx.connection.execute(taken.values(polled_at=tx.now))
    return due


def is_elsewhere(tx: Tx, experiment_id: str) -> bool:
    """Whether this is a registered experiment whose state is to be asked for; the end is never taken back."""
    query = select(registrations.c.experiment_id).where(registrations.c.experiment_id == experiment_id, _is_elsewhere())
    return "\x00" not in experiment_id and tx.connection.scalar(query) is not None


def record(tx: Tx, experiment_id: str, state: str) -> None:
    """It answered."""
    changes = {"synced_at": tx.now, "failures": 0, "last_known_state": state}
    tx.connection.execute(update(registrations).where(registrations.c.experiment_id == experiment_id).values(changes))


def record_failure(tx: Tx, experiment_id: str) -> None:
    """It did not answer, once more."""
    failures = registrations.c.failures + 1
    which = registrations.c.experiment_id == experiment_id
    tx.connection.execute(update(registrations).where(which).values(failures=failures))


def _is_elsewhere() -> ColumnElement[bool]:
    is_here = exists().where(experiments.c.experiment_id == registrations.c.experiment_id)
    return (registrations.c.last_known_state == "running") & ~is_here
