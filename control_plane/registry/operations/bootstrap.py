"""What every deployment has from its first start: reserved groups, service workers and the first operator."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from control_plane.db import identities
from control_plane.db.identities import Issue, Keys
from control_plane.db.tables import DEPLOYMENT, credentials
from control_plane.db.transaction import Tx
from control_plane.registry.operations import groups, workers
from control_plane.registry.tables import operators, services

SERVICES: Mapping[str, str] = {
    "console": "consoles",
    "orchestrator": "orchestrators",
    "auto-ideator": "runners",
    "auto-executor": "runners",
    "auto-evaluator": "runners",
}
"""The deployment's own workers and the group of each."""
ADMINISTRATOR = "Administrator"
LIVING_TOKENS = 8
"""So many tokens of a service worker live at once."""


@dataclass(frozen=True)
class Bootstrap:
    """The worker ids of the deployment's own workers and of its first operator."""

    console: str
    orchestrator: str
    auto_ideator: str
    auto_executor: str
    auto_evaluator: str
    administrator: str


def bootstrap(tx: Tx) -> Bootstrap:
    """Make what is missing of the deployment's own identities; doing it again changes nothing."""
    inside = tx.at(DEPLOYMENT)
    for name in sorted(groups.reserved(DEPLOYMENT)):
        if not groups.is_taken(inside, name):
            groups.make(inside, name)
    ids = {name.replace("-", "_"): service(inside, name, group) for name, group in SERVICES.items()}
    return Bootstrap(**ids, administrator=_administrator(inside))


def issue_service_token(tx: Tx, worker_id: str, *, keys: Keys) -> str:
    """One more token of a service worker: servers with data directories of their own have one each. The oldest goes."""
    is_its = (credentials.c.scope == DEPLOYMENT) & (credentials.c.worker_id == worker_id)
    is_its &= credentials.c.kind == "registration"
    newest = select(credentials.c.digest).where(is_its).order_by(credentials.c.created_at.desc(), credentials.c.digest)
    stale = list(tx.connection.scalars(newest.offset(LIVING_TOKENS - 1)))
    tx.connection.execute(delete(credentials).where(credentials.c.digest.in_(stale)))
    return identities.issue(tx.connection, keys, worker_id, tx.now, Issue(DEPLOYMENT))


def service(tx: Tx, name: str, group: str) -> str:
    """The deployment's own worker of a name, made on first use and in its group from then on."""
    worker_id = tx.connection.scalar(select(services.c.worker_id).where(services.c.name == name))
    if worker_id is None:
        worker_id = workers.make(tx, name)
        tx.connection.execute(insert(services).values(name=name, worker_id=worker_id))
        _put(tx, group, worker_id)
    return str(worker_id)


def _administrator(tx: Tx) -> str:
    query = select(operators.c.operator_id).order_by(operators.c.created_at, operators.c.operator_id)
    operator_id = tx.connection.scalar(query)
    if operator_id is None:
        operator_id = workers.make(tx, ADMINISTRATOR)
        row = {"operator_id": operator_id, "role": "administrator", "created_at": tx.now}
        tx.connection.execute(insert(operators).values(row))
        _put(tx, "admins", operator_id)
    return str(operator_id)


def _put(tx: Tx, group: str, worker_id: str) -> None:
    group_id = groups.find_reserved(tx, group)
    if group_id is not None:
        groups.join(tx, group_id, worker_id)
