"""The exchange: a signed-in operator or a deployment worker gets its identity in an experiment, made on first use.

Identities are per experiment and never shared: each has its own worker id there, and the tokens given out here live
for an hour, several at once. What the principal is in the deployment decides which reserved groups it is in there.
"""

from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import delete, select

from control_plane.db import identities
from control_plane.db.identities import Issue, Keys
from control_plane.db.tables import DEPLOYMENT, credentials, workers
from control_plane.db.transaction import Caller, Tx
from control_plane.registry.operations import groups, people, sessions
from control_plane.registry.operations import workers as registry
from control_plane.registry.rules import lifetimes
from store_client.errors import Forbidden, NotFound
from store_client.wire.workers import Exchange, Exchanged, OperatorRole

PURGED_AT_ONCE = 50
READ_ONLY = frozenset({"member", "viewer"})
OWN_IDENTITY = ("runners", "orchestrators", "admins")
"""The deployment groups whose workers may ask for identities of their own."""


@dataclass(frozen=True)
class Principal:
    """Who gets the identity: a worker of the deployment, and what it is there."""

    worker_id: str
    name: str
    role: OperatorRole | Literal["worker"]


def exchange(tx: Tx, body: Exchange, *, keys: Keys) -> Exchanged:
    """A short-lived bearer: of the session's operator for a console, else of the calling worker itself."""
    principal = _own(tx) if body.session is None else _operator(tx, body.session, keys)
    worker_id = principal.worker_id
    if body.experiment_id is not None:
        principal = _within(tx, principal, body.experiment_id)
        worker_id = _enter(tx, principal, body.experiment_id)
    _purge(tx)
    expires_at = lifetimes.after(tx.now, lifetimes.TOKEN)
    what = Issue(
        body.experiment_id or DEPLOYMENT,
        "token",
        expires_at,
        session_digest=None if body.session is None else keys.digest(body.session),
        is_read_only=principal.role in READ_ONLY,
        is_confined=principal.role == "member",
    )
    token = identities.issue(tx.connection, keys, worker_id, tx.now, what)
    return Exchanged(
        worker_id=worker_id,
        token=token,
        expires_at=expires_at,
        name=principal.name,
        role=principal.role,
        experiments=dict(people.roles_in(tx, worker_id)) if body.experiment_id is None else {},
    )


def enter(tx: Tx, deployment_worker_id: str, experiment_id: str) -> str:
    """The worker that a deployment worker is in an experiment: made on first use, in the groups it belongs to."""
    return _enter(tx, _within(tx, find_principal(tx, deployment_worker_id), experiment_id), experiment_id)


def _enter(tx: Tx, principal: Principal, experiment_id: str) -> str:
    inside = tx.at(experiment_id)
    inside.experiment  # noqa: B018 - reading the row raises NotFound when there is no such experiment
    worker_id = _identity(inside, principal.worker_id) or registry.make(
        inside, principal.name, deployment_worker_id=principal.worker_id
    )
    for name in _groups_inside(tx, principal):
        _join_reserved(inside, name, worker_id)
    return worker_id


def find_principal(tx: Tx, worker_id: str) -> Principal:
    """A worker of the deployment, by id; NotFound when there is none or it is disabled."""
    query = select(workers.c.name).where(
        workers.c.worker_id == worker_id, workers.c.scope == DEPLOYMENT, workers.c.disabled_at.is_(None)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        raise NotFound(f"the deployment has no worker {worker_id}")
    operator = people.find_active(tx, worker_id)
    return Principal(worker_id, row.name or worker_id, "worker" if operator is None else people.role_of(operator))


def _within(tx: Tx, principal: Principal, experiment_id: str) -> Principal:
    """The same with the role in an experiment; NotFound for a person who is nobody there, as if there were none."""
    if principal.role == "worker":
        return principal
    role = people.role_in(tx, people.find(tx, principal.worker_id), experiment_id)
    if role == "member":
        raise NotFound(f"there is no experiment {experiment_id}")
    return replace(principal, role=role)


def _own(tx: Tx) -> Principal:
    if tx.caller.is_by_token:
        raise Forbidden("a short-lived token cannot prolong itself; exchange with the registration token")
    if not identities.is_in_named(tx.connection, tx.caller, OWN_IDENTITY):
        raise Forbidden(
            f"an identity of one's own needs membership in {', '.join(OWN_IDENTITY)}; consoles name a session"
        )
    return find_principal(tx, tx.caller.worker_id)


def _operator(tx: Tx, session: str, keys: Keys) -> Principal:
    if not identities.is_in_named(tx.connection, tx.caller, ("consoles",)):
        raise Forbidden("only a console may act for a session's operator")
    operator = sessions.renew(tx, session, keys)
    return Principal(operator["operator_id"], operator["name"], people.role_of(operator))


def _identity(tx: Tx, deployment_worker_id: str) -> str | None:
    """The worker that a deployment worker is in this experiment already; Forbidden when that one is disabled."""
    query = select(workers.c.worker_id, workers.c.disabled_at).where(
        workers.c.scope == tx.experiment_id, workers.c.deployment_worker_id == deployment_worker_id
    )
    row = tx.connection.execute(query).first()
    if row is not None and row.disabled_at is not None:
        raise Forbidden(f"{row.worker_id} is disabled in this experiment; its admins can enable it")
    return None if row is None else str(row.worker_id)


def _groups_inside(tx: Tx, principal: Principal) -> set[str]:
    """The reserved groups of an experiment in which this principal belongs."""
    if principal.role != "worker":
        return {"admins"} if principal.role == "administrator" else set()
    caller = Caller(principal.worker_id, DEPLOYMENT)
    return {name for name in ("admins", "orchestrators") if identities.is_in_named(tx.connection, caller, (name,))}


def _join_reserved(tx: Tx, name: str, worker_id: str) -> None:
    group_id = groups.find_reserved(tx, name)
    if group_id is not None and groups.join(tx, group_id, worker_id):
        tx.tell("group.changed", group_id=group_id, act="added", member_id=worker_id)


def _purge(tx: Tx) -> None:
    """Delete a few expired credentials, so that they never pile up."""
    expired = select(credentials.c.digest).where(credentials.c.expires_at <= tx.now).limit(PURGED_AT_ONCE)
    tx.connection.execute(delete(credentials).where(credentials.c.digest.in_(expired)))
