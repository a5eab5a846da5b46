"""Sign-in: a one-time code becomes a session, whose secret only a console ever holds."""

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.tables import DEPLOYMENT, credentials, workers
from control_plane.db.transaction import Tx
from control_plane.registry.rules import lifetimes
from control_plane.registry.tables import operators, sessions, sign_in_codes
from store_client.errors import NotFound, Unauthorized
from store_client.wire.workers import EndSession, Session, SignIn, SignInCode


def create_code(tx: Tx, *, keys: Keys) -> SignInCode:
    """A code that signs the first administrator in, once, within a quarter of an hour."""
    code, expires_at = identities.new_secret(), lifetimes.after(tx.now, lifetimes.SIGN_IN_CODE)
    tx.connection.execute(delete(sign_in_codes).where(sign_in_codes.c.expires_at <= tx.now))
    tx.connection.execute(
        insert(sign_in_codes).values(
            digest=keys.digest(code), operator_id=_administrator(tx), created_at=tx.now, expires_at=expires_at
        )
    )
    return SignInCode(code=code, expires_at=expires_at)


def sign_in(tx: Tx, body: SignIn, *, keys: Keys) -> Session:
    """Trade a code for a session; the code is spent."""
    operator_id = _spend(tx, keys.digest(body.code))
    operator = None if operator_id is None else find_operator(tx, operator_id)
    if operator is None:
        raise Unauthorized("this sign-in link was used or has expired; `switchyard signin` prints a new one")
    secret, expires_at = identities.new_secret(), lifetimes.after(tx.now, lifetimes.SESSION)
    tx.connection.execute(delete(sessions).where(sessions.c.expires_at <= tx.now))
    tx.connection.execute(
        insert(sessions).values(
            digest=keys.digest(secret), operator_id=operator_id, created_at=tx.now, expires_at=expires_at
        )
    )
    return Session(
        session=secret,
        operator_id=operator["operator_id"],
        name=operator["name"],
        role=operator["role"],
        expires_at=expires_at,
    )


def end_session(tx: Tx, body: EndSession, *, keys: Keys) -> None:
    """End a session and every token that was given out for it; an unknown one has ended already."""
    digest = keys.digest(body.session)
    tx.connection.execute(delete(sessions).where(sessions.c.digest == digest))
    tx.connection.execute(delete(credentials).where(credentials.c.session_digest == digest))


def end_sessions_of(tx: Tx, operator_id: str) -> None:
    """Sign an operator out everywhere, and void the codes that would sign them in."""
    for table in (sessions, sign_in_codes):
        tx.connection.execute(delete(table).where(table.c.operator_id == operator_id))


def renew(tx: Tx, secret: str, keys: Keys) -> RowMapping:
    """The operator of a live session, which now lives on; Unauthorized when there is none."""
    digest = keys.digest(secret)
    query = select(sessions).where(sessions.c.digest == digest, sessions.c.expires_at > tx.now)
    session = tx.connection.execute(query).mappings().first()
    operator = None if session is None else find_operator(tx, session["operator_id"])
    if operator is None:
        raise Unauthorized("this session has ended; sign in again")
    expires_at = lifetimes.after(tx.now, lifetimes.SESSION)
    tx.connection.execute(update(sessions).where(sessions.c.digest == digest).values(expires_at=expires_at))
    return operator


def find_operator(tx: Tx, worker_id: str) -> RowMapping | None:
    """The operator that a deployment worker is, unless it is none or disabled."""
    query = select(operators, workers.c.name).join(workers, workers.c.worker_id == operators.c.operator_id)
    query = query.where(workers.c.scope == DEPLOYMENT)
    query = query.where(operators.c.operator_id == worker_id, workers.c.disabled_at.is_(None))
    return tx.connection.execute(query).mappings().first()


def _spend(tx: Tx, digest: str) -> str | None:
    """The operator a live code is for; the code is gone afterwards."""
    query = select(sign_in_codes.c.operator_id)
    query = query.where(sign_in_codes.c.digest == digest, sign_in_codes.c.expires_at > tx.now)
    operator_id = tx.connection.scalar(query)
    tx.connection.execute(delete(sign_in_codes).where(sign_in_codes.c.digest == digest))
    return operator_id


def _administrator(tx: Tx) -> str:
    query = select(operators.c.operator_id).where(operators.c.role == "administrator")
    operator_id = tx.connection.scalar(query.order_by(operators.c.created_at, operators.c.operator_id))
    if operator_id is None:
        raise NotFound("this deployment has no administrator who could sign in")
    return str(operator_id)
