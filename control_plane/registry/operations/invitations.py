"""Links: with one a new person joins, with another an operator chooses a new password. Each works once, and ends."""

from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.registry.operations import granting, groups, people, sessions, workers
from control_plane.registry.operations.sessions import Entrance
from control_plane.registry.rules import lifetimes, names, roles, sign_in_names
from control_plane.registry.tables import invitations, operators
from store_client.errors import InvalidName, InvalidPrecondition, NotFound
from store_client.wire.accounts import (
    AcceptInvitation,
    Invitation,
    InvitationList,
    Invite,
    LookAtInvitation,
    NewInvitation,
)
from store_client.wire.workers import Session

TOLD = ("invitation_id", "operator_id", "name", "sign_in_name", "role", "experiments")


def invite(tx: Tx, body: Invite, *, keys: Keys) -> NewInvitation:
    """A link for a new person, who is nobody before they used it."""
    name, sign_in_name = names.check(body.name), sign_in_names.check(body.sign_in_name)
    if not name:
        raise InvalidName("a person needs a name")
    granting.must_be_free(tx, sign_in_name)
    for experiment_id in body.experiments:
        granting.must_exist(tx, experiment_id)
    wanted = {"name": name, "sign_in_name": sign_in_name, "role": body.role, "experiments": dict(body.experiments)}
    made = _make(tx, keys, lifetimes.after(tx.now, lifetimes.INVITATION), wanted)
    about = {"name": name, "role": body.role, "by": tx.caller.worker_id}
    tx.tell("operator.invited", invitation_id=made.invitation_id, **about)
    return made


def reset(tx: Tx, operator_id: str, *, keys: Keys) -> NewInvitation:
    """A link with which a person chooses a new password; until then the old one is good. An older link is void."""
    row = people.find(tx, operator_id)
    if row["disabled_at"] is not None:
        raise InvalidPrecondition("this operator is disabled; enable them first")
    if row["sign_in_name"] is None:
        raise InvalidPrecondition("this operator has no sign-in name yet; give them one first")
    tx.connection.execute(delete(invitations).where(invitations.c.operator_id == operator_id))
    wanted = {
        **{key: row[key] for key in ("operator_id", "name", "sign_in_name")},
        "role": people.role_of(row),
        "experiments": dict(people.roles_in(tx, operator_id)),
    }
    made = _make(tx, keys, lifetimes.after(tx.now, lifetimes.RESET), wanted)
    tx.tell("operator.reset", operator_id=operator_id, by=tx.caller.worker_id)
    return made


def list_all(tx: Tx) -> InvitationList:
    """The links that somebody could still use, newest first."""
    query = select(invitations).where(invitations.c.expires_at > tx.now)
    rows = tx.connection.execute(query.order_by(invitations.c.created_at.desc(), invitations.c.invitation_id))
    return InvitationList(invitations=tuple(Invitation(**_fields(row)) for row in rows.mappings()))


def revoke(tx: Tx, invitation_id: str) -> None:
    """Void a link; NotFound when it was used or void already."""
    which = invitations.c.invitation_id == invitation_id.replace("\x00", "")
    if not tx.connection.execute(delete(invitations).where(which)).rowcount:
        raise NotFound("there is no such link, or it was used already")
    tx.tell("invitation.revoked", invitation_id=invitation_id, by=tx.caller.worker_id)


def look(tx: Tx, body: LookAtInvitation, *, keys: Keys) -> Invitation:
    """Whom a link is for; NotFound when it was used, is too old, or was never given out."""
    return Invitation(**_fields(_live(tx, keys.digest(body.code))))


def accept(tx: Tx, body: AcceptInvitation, *, keys: Keys, password: str) -> Session:
    """Use a link up: the person is there from now on, has the hashed password, and is signed in here alone."""
    operator_id = use_up(tx, body.code, keys=keys)
    set_password(tx, operator_id, password)
    sessions.end_sessions_of(tx, operator_id)
    operator = people.find_active(tx, operator_id)
    if operator is None:
        raise NotFound("this operator is disabled")
    return sessions.begin(tx, operator, Entrance("invitation", body.browser), keys)


def use_up(tx: Tx, code: str, *, keys: Keys) -> str:
    """Whom a link was for, who is there from now on; the link is void."""
    row = _live(tx, keys.digest(code))
    tx.connection.execute(delete(invitations).where(invitations.c.invitation_id == row["invitation_id"]))
    return row["operator_id"] or _join(tx, row)


def set_password(tx: Tx, operator_id: str, hashed: str) -> None:
    """Store a new password's hash, and say that there is one."""
    store_hash(tx, operator_id, hashed)
    tx.connection.execute(
        update(operators).where(operators.c.operator_id == operator_id).values(password_set_at=tx.now)
    )
    tx.tell("operator.password_changed", operator_id=operator_id)


def store_hash(tx: Tx, operator_id: str, hashed: str) -> None:
    """Store a hash, of a new password or of the same one at a higher cost."""
    tx.connection.execute(update(operators).where(operators.c.operator_id == operator_id).values(password=hashed))


def _join(tx: Tx, row: RowMapping) -> str:
    """The new operator that an invitation is for; what it promised of experiments that are gone is void."""
    granting.must_be_free(tx, row["sign_in_name"])
    operator_id, (role, is_confined) = workers.make(tx, row["name"]), roles.stored(row["role"])
    facts = {"role": role, "is_confined": is_confined, "sign_in_name": row["sign_in_name"], "created_at": tx.now}
    tx.connection.execute(insert(operators).values(operator_id=operator_id, **facts))
    granting.put(tx, operator_id, row["experiments"])
    admins = groups.find_reserved(tx, "admins") if role == "administrator" else None
    if admins is not None:
        groups.join(tx, admins, operator_id)
    tx.tell("operator.joined", operator_id=operator_id, invitation_id=row["invitation_id"])
    return operator_id


def _make(tx: Tx, keys: Keys, expires_at: str, wanted: dict[str, Any]) -> NewInvitation:
    code, invitation_id = identities.new_secret(), tx.mint("inv")
    tx.connection.execute(delete(invitations).where(invitations.c.expires_at <= tx.now))
    made = {"created_at": tx.now, "created_by": tx.caller.worker_id, "expires_at": expires_at}
    tx.connection.execute(
        insert(invitations).values(invitation_id=invitation_id, digest=keys.digest(code), **wanted, **made)
    )
    row = tx.connection.execute(select(invitations).where(invitations.c.invitation_id == invitation_id))
    return NewInvitation(**_fields(row.mappings().one()), code=code)


def _live(tx: Tx, digest: str) -> RowMapping:
    query = select(invitations).where(invitations.c.digest == digest, invitations.c.expires_at > tx.now)
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("this link was used already, was revoked or is too old; ask an administrator for another one")
    return row


def _fields(row: RowMapping) -> dict[str, Any]:
    told = {key: row[key] for key in (*TOLD, "created_at", "created_by", "expires_at")}
    return {**told, "purpose": "invitation" if row["operator_id"] is None else "reset"}
