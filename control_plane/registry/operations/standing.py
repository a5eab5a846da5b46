"""Disabling and enabling workers: of a disabled one no credential is taken, whoever holds it.

Its registration token stays and is taken again once it is enabled. What was given out for a while (exchanged tokens,
git passwords, sessions) is void for good, also where a worker of the deployment has an identity in an experiment.
"""

from sqlalchemy import RowMapping, delete, select, tuple_, update

from control_plane.db.identities import Keys
from control_plane.db.tables import DEPLOYMENT, credentials
from control_plane.db.tables import workers as table
from control_plane.db.transaction import Tx
from control_plane.registry.operations import granting, sessions, workers
from control_plane.registry.operations.workers import find, home_of, read_detail
from control_plane.registry.ports import OpenClaims
from control_plane.registry.tables import services
from store_client.errors import InvalidPrecondition
from store_client.wire.workers import RegisteredWorker, WorkerDetail


def disable(tx: Tx, worker_id: str, *, open_claims: OpenClaims) -> WorkerDetail:
    """Take none of a worker's credentials from now on; one that is disabled stays as it is."""
    row = find(tx, worker_id)
    if row["disabled_at"] is None:
        _must_be_dispensable(tx, row)
        _set(tx, worker_id, tx.now)
        _void(tx, worker_id)
        tx.tell("worker.disabled", worker_id=worker_id, by=tx.caller.worker_id)
    return read_detail(tx, worker_id, open_claims=open_claims)


def enable(tx: Tx, worker_id: str, *, open_claims: OpenClaims) -> WorkerDetail:
    """Take a disabled worker's token again."""
    if find(tx, worker_id)["disabled_at"] is not None:
        _set(tx, worker_id, None)
        tx.tell("worker.enabled", worker_id=worker_id, by=tx.caller.worker_id)
    return read_detail(tx, worker_id, open_claims=open_claims)


def reissue(tx: Tx, worker_id: str, *, keys: Keys) -> RegisteredWorker:
    """Replace a worker's token; InvalidPrecondition for a service, which would go on with the old one."""
    service = _service(tx, find(tx, worker_id))
    if service is not None:
        raise InvalidPrecondition(f"{service} gets a new token by itself whenever the deployment starts")
    return workers.reissue(tx, worker_id, keys=keys)


def _service(tx: Tx, row: RowMapping) -> str | None:
    """Which of the deployment's own services this worker is, or is the identity of."""
    name: str | None = tx.connection.scalar(select(services.c.name).where(services.c.worker_id == home_of(row)))
    return name


def _must_be_dispensable(tx: Tx, row: RowMapping) -> None:
    """InvalidPrecondition for whom nobody should lock out by accident."""
    service = _service(tx, row)
    if service is not None:
        raise InvalidPrecondition(
            f"{service} is one of the deployment's own services and cannot be disabled; "
            "switch its role to by hand, or pause the experiment"
        )
    if row["worker_id"] == tx.caller.worker_id:
        raise InvalidPrecondition("nobody can disable the worker they act as; ask another admin")
    if row["scope"] == DEPLOYMENT and granting.is_last_administrator(tx, row["worker_id"]):
        raise InvalidPrecondition("this is the only administrator who can sign in; make another one first")


def _set(tx: Tx, worker_id: str, disabled_at: str | None) -> None:
    which = (table.c.scope == tx.experiment_id) & (table.c.worker_id == worker_id)
    tx.connection.execute(update(table).where(which).values(disabled_at=disabled_at))


def _void(tx: Tx, worker_id: str) -> None:
    """Delete what would outlive the disabling; its own registration token does, by intent."""
    of_itself = (credentials.c.scope == tx.experiment_id) & (credentials.c.worker_id == worker_id)
    tx.connection.execute(delete(credentials).where(of_itself, credentials.c.kind != "registration"))
    if tx.experiment_id == DEPLOYMENT:
        identities = select(table.c.scope, table.c.worker_id).where(table.c.deployment_worker_id == worker_id)
        whose = tuple_(credentials.c.scope, credentials.c.worker_id)
        tx.connection.execute(delete(credentials).where(whose.in_(identities)))
        sessions.end_sessions_of(tx, worker_id)
