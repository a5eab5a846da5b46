"""People whom the OpenID Connect provider vouches for: found, linked, and let in."""

from sqlalchemy import RowMapping, insert, select, update

from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.registry.operations import granting, guessing, invitations, people, sessions, workers
from control_plane.registry.operations.sessions import Entrance
from control_plane.registry.rules import names, roles, sign_in_names
from control_plane.registry.rules.id_tokens import Vouched
from control_plane.registry.rules.relying import Welcome
from control_plane.registry.rules.trips import Trip
from control_plane.registry.tables import operators
from store_client.errors import AlreadyExists, Forbidden, InvalidName, InvalidPrecondition
from store_client.wire.accounts import LookAtInvitation, OperatorDetail, SignInWithProvider
from store_client.wire.workers import Session

UNKNOWN = "nobody here has this account yet; ask an administrator for an invitation, and join with its link"


def arrive(tx: Tx, body: SignInWithProvider, *, keys: Keys) -> tuple[SignInWithProvider, Trip, str]:
    """The trip that a browser is back from, which is over now, and the time; Forbidden when it is not one of ours."""
    trip = spend(tx, (body.ticket, body.state), keys=keys)
    if body.invitation is not None:
        invitations.look(tx, LookAtInvitation(code=body.invitation), keys=keys)
    return body, trip, tx.now


def spend(tx: Tx, brought: tuple[str, str], *, keys: Keys) -> Trip:
    """End the trip of a ticket and a state, which is over after one arrival."""
    ticket, state = brought
    trip = Trip(ticket, keys.digest)
    if not trip.is_good(state, tx.now):
        raise Forbidden("this sign-in took too long, or began elsewhere; sign in again")
    guessing.spend(tx, f"trip {ticket}", trip.expires_at, keys=keys)
    return trip


def let_in(tx: Tx, body: SignInWithProvider, *, keys: Keys, vouched: Vouched, welcome: Welcome) -> Session:
    """Begin a session of whom the provider vouches for; with an invitation, they are whom it is for."""
    if body.invitation is not None:
        operator_id = invitations.use_up(tx, body.invitation, keys=keys)
        link(tx, operator_id, vouched)
        sessions.end_sessions_of(tx, operator_id)
    else:
        operator_id = _find(tx, vouched, welcome)
    operator = people.find_active(tx, operator_id)
    if operator is None:
        raise Forbidden("your account here is disabled")
    return sessions.begin(tx, operator, Entrance("provider", body.browser), keys)


def link(tx: Tx, operator_id: str, vouched: Vouched) -> None:
    """Have the provider vouch for an operator from now on; AlreadyExists when it vouches so for another one."""
    holder = _holder(tx, vouched)
    if holder not in {None, operator_id}:
        raise AlreadyExists("this account at the provider belongs to somebody else here")
    tx.connection.execute(
        update(operators).where(operators.c.operator_id == operator_id).values(subject=vouched.subject)
    )
    if holder is None:
        tx.tell("operator.provider_linked", operator_id=operator_id)


def unlink(tx: Tx) -> OperatorDetail:
    """Have the provider vouch for the caller no more; InvalidPrecondition where nothing else lets them in."""
    row = people.oneself(tx)
    if row["subject"] is not None:
        if row["password"] is None:
            raise InvalidPrecondition("set a password first: without it nothing but one-time links would let you in")
        mine = operators.c.operator_id == row["operator_id"]
        tx.connection.execute(update(operators).where(mine).values(subject=None))
        tx.tell("operator.provider_unlinked", operator_id=row["operator_id"])
    return people.read_oneself(tx)


def _find(tx: Tx, vouched: Vouched, welcome: Welcome) -> str:
    """Who somebody is here; Forbidden when they are nobody, and not to become anybody by themselves."""
    holder = _holder(tx, vouched)
    if holder is not None:
        return holder
    named = _named(tx, vouched) if welcome.claim == "email" else None
    if named is None and welcome.newcomers == "none":
        raise Forbidden(UNKNOWN)
    operator_id = str(named["operator_id"]) if named is not None else _make(tx, vouched)
    link(tx, operator_id, vouched)
    return operator_id


def _holder(tx: Tx, vouched: Vouched) -> str | None:
    return tx.connection.scalar(select(operators.c.operator_id).where(operators.c.subject == vouched.subject))


def _named(tx: Tx, vouched: Vouched) -> RowMapping | None:
    """Who signs in by the verified address, unless the provider vouches for them as somebody else already."""
    row = people.find_by_sign_in_name(tx, sign_in_names.normalise(vouched.email)) if vouched.email else None
    return row if row is not None and row["subject"] is None and row["disabled_at"] is None else None


def _make(tx: Tx, vouched: Vouched) -> str:
    """A viewer whom nobody invited; their address is their sign-in name where nobody has it."""
    operator_id, (role, is_confined) = workers.make(tx, names.wanted(vouched.name)), roles.stored("viewer")
    facts = {"role": role, "is_confined": is_confined, "sign_in_name": _free(tx, vouched.email), "created_at": tx.now}
    tx.connection.execute(insert(operators).values(operator_id=operator_id, **facts))
    tx.tell("operator.joined", operator_id=operator_id)
    return operator_id


def _free(tx: Tx, email: str | None) -> str | None:
    try:
        sign_in_name = sign_in_names.check(email or "")
        granting.must_be_free(tx, sign_in_name)
    except (AlreadyExists, InvalidName):
        return None
    return sign_in_name
