"""Sessions: what a browser is signed in with, whose secret only a console ever holds."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.tables import credentials
from control_plane.db.transaction import Tx
from control_plane.registry.operations import people
from control_plane.registry.rules import lifetimes
from control_plane.registry.tables import invitations, operators, sessions, sign_in_codes
from store_client.errors import NotFound, Unauthorized
from store_client.wire.accounts import EndedSessions, SessionLine, SessionLineList, SignInWay
from store_client.wire.workers import EndSession, Session, SignIn, SignInCode


@dataclass(frozen=True)
class Entrance:
    """How somebody came in, and with what browser."""

    way: SignInWay
    browser: str | None = None


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
    operator = None if operator_id is None else people.find_active(tx, operator_id)
    if operator is None:
        raise Unauthorized("this sign-in link was used or has expired; `switchyard signin` prints a new one")
    return begin(tx, operator, Entrance("link", body.browser), keys)


def begin(tx: Tx, operator: RowMapping, entrance: Entrance, keys: Keys) -> Session:
    """A new session of an operator."""
    secret, session_id = identities.new_secret(), tx.mint("ses")
    expires_at = lifetimes.session_end(tx.now, tx.now)
    tx.connection.execute(delete(sessions).where(sessions.c.expires_at <= tx.now))
    tx.connection.execute(
        insert(sessions).values(
            digest=keys.digest(secret),
            operator_id=operator["operator_id"],
            created_at=tx.now,
            expires_at=expires_at,
            session_id=session_id,
            last_seen_at=tx.now,
            browser=entrance.browser and entrance.browser.replace("\x00", ""),
            way=entrance.way,
        )
    )
    tx.tell("session.began", operator_id=operator["operator_id"], session_id=session_id, way=entrance.way)
    return Session(
        session=secret,
        operator_id=operator["operator_id"],
        name=operator["name"] or operator["operator_id"],
        role=people.role_of(operator),
        expires_at=expires_at,
    )


def end_session(tx: Tx, body: EndSession, *, keys: Keys) -> None:
    """End a session and every token that was given out for it; an unknown one has ended already."""
    _end(tx, "session.ended", sessions.c.digest == keys.digest(body.session))


def end_own(tx: Tx, session_id: str) -> None:
    """End one of one's own sessions; NotFound when it is none of them."""
    mine = people.oneself(tx)["operator_id"]
    _must_end(tx, session_id, sessions.c.operator_id == mine)


def end_all_own(tx: Tx) -> EndedSessions:
    """Sign oneself out everywhere, here too."""
    mine = people.oneself(tx)["operator_id"]
    return EndedSessions(ended=_end(tx, "session.revoked", sessions.c.operator_id == mine))


def revoke(tx: Tx, operator_id: str, session_id: str) -> None:
    """End a session of an operator; NotFound when it is none of theirs."""
    _must_end(tx, session_id, sessions.c.operator_id == people.find(tx, operator_id)["operator_id"])


def revoke_all(tx: Tx, operator_id: str) -> EndedSessions:
    """Sign an operator out everywhere."""
    whose = sessions.c.operator_id == people.find(tx, operator_id)["operator_id"]
    return EndedSessions(ended=_end(tx, "session.revoked", whose))


def end_sessions_of(tx: Tx, operator_id: str) -> None:
    """Sign an operator out everywhere, and void the codes and links that would sign them in."""
    _end(tx, "session.revoked", sessions.c.operator_id == operator_id)
    for table in (sign_in_codes, invitations):
        tx.connection.execute(delete(table).where(table.c.operator_id == operator_id))


def end_others_of(tx: Tx, operator_id: str, digest: str | None) -> None:
    """End every session of an operator but this one."""
    _end(tx, "session.revoked", sessions.c.operator_id == operator_id, sessions.c.digest != (digest or ""))


def list_own(tx: Tx) -> SessionLineList:
    return _list(tx, people.oneself(tx)["operator_id"])


def list_of(tx: Tx, operator_id: str) -> SessionLineList:
    return _list(tx, people.find(tx, operator_id)["operator_id"])


def renew(tx: Tx, secret: str, keys: Keys) -> RowMapping:
    """The operator of a live session, which now lives on; Unauthorized when there is none."""
    digest = keys.digest(secret)
    query = select(sessions).where(sessions.c.digest == digest, sessions.c.expires_at > tx.now)
    session = tx.connection.execute(query).mappings().first()
    operator = None if session is None else people.find_active(tx, session["operator_id"])
    if session is None or operator is None:
        raise Unauthorized("this session has ended; sign in again")
    lives_on = {"expires_at": lifetimes.session_end(tx.now, session["created_at"]), "last_seen_at": tx.now}
    tx.connection.execute(update(sessions).where(sessions.c.digest == digest).values(lives_on))
    return operator


def _list(tx: Tx, operator_id: str) -> SessionLineList:
    query = select(sessions).where(sessions.c.operator_id == operator_id, sessions.c.expires_at > tx.now)
    rows = tx.connection.execute(query.order_by(sessions.c.last_seen_at.desc(), sessions.c.session_id)).mappings()
    told = ("session_id", "way", "browser", "created_at", "last_seen_at", "expires_at")
    return SessionLineList(
        sessions=tuple(
            SessionLine(**{key: row[key] for key in told}, is_this=row["digest"] == tx.caller.session_digest)
            for row in rows
        )
    )


def _must_end(tx: Tx, session_id: str, whose: ColumnElement[bool]) -> None:
    if not _end(tx, "session.revoked", whose, sessions.c.session_id == session_id.replace("\x00", "")):
        raise NotFound("there is no such session, or it has ended already")


def _end(tx: Tx, told: str, *which: ColumnElement[bool]) -> int:
    """End some sessions and every token that was given out for them; how many there were."""
    rows = list(tx.connection.execute(select(sessions).where(*which)).mappings())
    digests = [row["digest"] for row in rows]
    tx.connection.execute(delete(credentials).where(credentials.c.session_digest.in_(digests)))
    tx.connection.execute(delete(sessions).where(sessions.c.digest.in_(digests)))
    for row in rows:
        about = {"operator_id": row["operator_id"], "session_id": row["session_id"]}
        tx.tell(told, **about, **({"by": tx.caller.worker_id} if told == "session.revoked" else {}))
    return len(rows)


def _spend(tx: Tx, digest: str) -> str | None:
    """The operator a live code is for; the code is gone afterwards."""
    query = select(sign_in_codes.c.operator_id)
    query = query.where(sign_in_codes.c.digest == digest, sign_in_codes.c.expires_at > tx.now)
    operator_id = tx.connection.scalar(query)
    tx.connection.execute(delete(sign_in_codes).where(sign_in_codes.c.digest == digest))
    return operator_id


def _administrator(tx: Tx) -> str:
    """The first administrator who may sign in."""
    query = select(operators.c.operator_id).where(operators.c.role == "administrator")
    for operator_id in tx.connection.scalars(query.order_by(operators.c.created_at, operators.c.operator_id)):
        if people.find_active(tx, operator_id) is not None:
            return str(operator_id)
    raise NotFound("this deployment has no administrator who could sign in")
