"""Who may: the bearer read, the gate of the call applied, in the protocol's order (§2.3)."""

from dataclasses import dataclass

from starlette.requests import Request

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller, Tx
from store_client.errors import ExperimentIdMismatch, Forbidden, Unauthorized
from store_client.wire.call import Call, Who

HEADER = "x-eden-experiment-id"
ANONYMOUS = Caller("nobody")


@dataclass(frozen=True)
class Credentials:
    """What a request brought: its bearer, and the experiment header if any."""

    bearer: tuple[str, str] | None
    experiment_header: str | None

    @classmethod
    def of(cls, request: Request) -> "Credentials":
        return cls(parse_bearer(request.headers.get("authorization", "")), request.headers.get(HEADER))


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
    caller = _identify(tx, call, keys, credentials)
    _check_header(call, tx.experiment_id, credentials.experiment_header)
    admitted = tx.at(tx.experiment_id, caller)
    _check_group(admitted, call)
    return admitted


def _identify(tx: Tx, call: Call, keys: Keys, credentials: Credentials) -> Caller:
    if credentials.bearer is None:
        raise Unauthorized("send Authorization: Bearer <worker id>:<token>")
    caller = identities.identify(tx.connection, keys, credentials.bearer, tx.now)
    if caller is None:
        raise Unauthorized("this credential is unknown, expired or replaced")
    _check_class(call, caller)  # who may never do this hears so, wherever the credential is from
    scope = tx.experiment_id if call.is_scoped else DEPLOYMENT
    if not caller.is_admin and caller.scope != scope:
        raise Unauthorized("this credential belongs to another experiment or to the deployment; exchange it first")
    return caller


def _check_class(call: Call, caller: Caller) -> None:
    if caller.is_admin and not call.who.admits_admin:
        raise Forbidden("the admin bearer may not do this; use a registered worker")
    if not caller.is_admin and not call.who.admits_workers:
        raise Forbidden("only the admin bearer may do this")
    if caller.is_read_only and not call.is_read:
        raise Forbidden("this credential is a viewer's: it reads and changes nothing")


def _check_header(call: Call, experiment_id: str, header: str | None) -> None:
    if call.needs_header and header != experiment_id:
        raise ExperimentIdMismatch(f"send X-Eden-Experiment-Id: {experiment_id}, the experiment of the path")


def _check_group(tx: Tx, call: Call) -> None:
    names = call.who.groups
    if names and not tx.caller.is_admin and not identities.is_in_named(tx.connection, tx.caller, names):
        raise Forbidden(f"this needs membership in {' or '.join(names)}")
