"""Who may: the bearer read, the gate of the call applied, in the protocol's order (§2.3)."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from starlette.requests import Request

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.tables import DEPLOYMENT, workers
from control_plane.db.transaction import Caller, Tx
from store_client.errors import ExperimentIdMismatch, Forbidden, Unauthorized
from store_client.wire.call import Call, Who

HEADER = "x-eden-experiment-id"
ANONYMOUS = Caller("nobody")
ACTOR = re.compile("admin|wkr_[0-9a-hjkmnp-tv-z]{26}")


@dataclass(frozen=True)
class Credentials:
    """What a request brought: its bearer, and the experiment header if any."""

    bearer: tuple[str, str] | None
    experiment_header: str | None
    claimed: str = "admin"
    """Whom the bearer names, whatever it proves; nobody else than the administrator when there is none."""

    @classmethod
    def of(cls, request: Request) -> "Credentials":
        said = request.headers.get("authorization", "")
        claimed = said.partition(" ")[2].strip().partition(":")[0] or "admin"
        return cls(parse_bearer(said), request.headers.get(HEADER), claimed)


def parse_bearer(header: str) -> tuple[str, str] | None:
    """(principal, secret) of an Authorization header, or None when it is not one of ours."""
    scheme, _, rest = header.partition(" ")
    principal, colon, secret = rest.strip().partition(":")
    if scheme.lower() != "bearer" or not colon or not principal or not secret:
        return None
    return principal, secret


def admit(tx: Tx, call: Call, keys: Keys, credentials: Credentials) -> Tx:
    """The transaction seen by the verified caller of this call; raises the refusal that comes first."""
    if call.who is Who.ANYONE:
        return tx.at(tx.experiment_id, ANONYMOUS)
    if call.who is Who.ATTEMPT:
        return tx.at(tx.experiment_id, _identify_attempt(tx, keys, credentials))
    if keys.are_off:
        _check_header(call, tx.experiment_id, credentials.experiment_header)
        return tx.at(tx.experiment_id, _believe(tx, call, credentials.claimed))
    caller = _identify(tx, call, keys, credentials)
    _check_header(call, tx.experiment_id, credentials.experiment_header)
    admitted = tx.at(tx.experiment_id, caller)
    _check_group(admitted, call)
    return admitted


def _identify(tx: Tx, call: Call, keys: Keys, credentials: Credentials) -> Caller:
    if credentials.bearer is None:
        raise Unauthorized("send Authorization: Bearer <worker id>:<token>")
    bearer, batch = credentials.bearer, tx.batch
    caller = batch.known(("bearer", bearer), lambda: identities.identify(batch.bare, keys, bearer, tx.now))
    if caller is None:
        raise Unauthorized("this credential is unknown, expired or replaced")
    scope = tx.experiment_id if call.is_scoped else DEPLOYMENT
    if not caller.is_admin and caller.scope != scope and not _is_of_no_registry(call):
        raise Unauthorized("this credential belongs to another experiment or to the deployment; exchange it first")
    _check_class(call, caller)
    return caller


def _identify_attempt(tx: Tx, keys: Keys, credentials: Credentials) -> Caller:
    """The attempt, also where everybody else is believed: it has nothing but its secret to be told apart by."""
    bearer = credentials.bearer
    caller = identities.identify_attempt(tx.batch.bare, keys, bearer) if bearer is not None else None
    if caller is None:
        raise Unauthorized("send Authorization: Bearer <job id>/<attempt>:<its secret>")
    return caller


def _believe(tx: Tx, call: Call, claimed: str) -> Caller:
    """Whoever the bearer names, unproved and let through every gate: for harnesses on this machine alone."""
    if ACTOR.fullmatch(claimed) is None:
        raise Unauthorized("name admin or a worker id in Authorization: Bearer <worker id>:<anything>")
    scope = tx.experiment_id if call.is_scoped else DEPLOYMENT
    named = select(workers.c.name).where(workers.c.scope == scope, workers.c.worker_id == claimed)
    return Caller(claimed, DEPLOYMENT if claimed == "admin" else scope, tx.connection.scalar(named))


def _is_of_no_registry(call: Call) -> bool:
    """Whether the path names neither an experiment nor the deployment: every worker is known there.

    Where the body names the experiment, the operation asks whether it is the worker's own.
    """
    return call.path.startswith("/v0/checkpoints/") or call.who is Who.OF_NAMED


def _check_class(call: Call, caller: Caller) -> None:
    if caller.is_admin and not call.who.admits_admin:
        raise Forbidden("the admin bearer may not do this; use a registered worker")
    if not caller.is_admin and not call.who.admits_workers:
        raise Forbidden("only the admin bearer may do this")
    if call.who is Who.PERSON:
        _check_person(caller)
        return
    if caller.is_confined and caller.scope == DEPLOYMENT and not call.is_for_members:
        raise Forbidden("you have no role in the deployment; you see the experiments that you have a role in")
    if caller.is_read_only and not call.is_read:
        raise Forbidden("this credential is a viewer's: it reads and changes nothing")


def _check_person(caller: Caller) -> None:
    """A viewer, too, looks after their own account."""
    if caller.session_digest is None or caller.scope != DEPLOYMENT:
        raise Forbidden("only a signed-in person may do this, for themselves")


def _check_header(call: Call, experiment_id: str, header: str | None) -> None:
    if call.needs_header and header != experiment_id:
        raise ExperimentIdMismatch(f"send X-Eden-Experiment-Id: {experiment_id}, the experiment of the path")


def _check_group(tx: Tx, call: Call) -> None:
    names, caller, batch = call.who.groups, tx.caller, tx.batch
    if not names or caller.is_admin or (call.who is Who.OF_NAMED and caller.scope != DEPLOYMENT):
        return
    key = ("member", caller.scope, caller.worker_id, names)
    if not batch.known(key, lambda: identities.is_in_named(batch.bare, caller, names)):
        raise Forbidden(f"this needs membership in {' or '.join(names)}")
