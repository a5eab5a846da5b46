"""Tries of passwords, counted before they are checked, so that many at once count as many."""

from sqlalchemy import delete, insert, select, update

from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.registry.rules import guessing, lifetimes
from control_plane.registry.tables import guesses
from store_client.errors import Forbidden, InvalidPrecondition

PURGED_AT_ONCE = 200


def begin(tx: Tx, account: str, address: str | None, *, keys: Keys) -> None:
    """Count one try; InvalidPrecondition when there were too many of late, and then it does not count."""
    counted = {kind: keys.digest(f"guess {key}") for kind, key in guessing.keys(account, address).items()}
    query = select(guesses.c.digest, guesses.c.attempts)
    query = query.where(guesses.c.digest.in_(counted.values()), guesses.c.until > tx.now)
    before = {row.digest: row.attempts for row in tx.connection.execute(query)}
    if any(before.get(digest, 0) >= guessing.MOST[kind] for kind, digest in counted.items()):
        minutes = int(guessing.WINDOW.total_seconds() // 60)
        raise InvalidPrecondition(f"too many passwords were tried; wait {minutes} minutes and try again")
    until = lifetimes.after(tx.now, guessing.WINDOW)
    for digest in counted.values():
        _count(tx, digest, before.get(digest), until)
    _forget_old(tx)


def spend(tx: Tx, once: str, until: str, *, keys: Keys) -> None:
    """Count the one try that something is good for, remembered until it is too old; Forbidden the second time."""
    digest = keys.digest(f"once {once}")
    if tx.connection.scalar(select(guesses.c.attempts).where(guesses.c.digest == digest)) is not None:
        raise Forbidden("this was used already; sign in again")
    _count(tx, digest, None, until)
    _forget_old(tx)


def _forget_old(tx: Tx) -> None:
    stale = select(guesses.c.digest).where(guesses.c.until <= tx.now).limit(PURGED_AT_ONCE)
    tx.connection.execute(delete(guesses).where(guesses.c.digest.in_(stale)))


def was_right(tx: Tx, account: str, address: str | None, *, keys: Keys) -> None:
    """Take the try back: the password was right. Those before it, of this account from this address, are forgotten."""
    for kind, key in guessing.keys(account, address).items():
        this = guesses.c.digest == keys.digest(f"guess {key}")
        if kind == "account and address":
            tx.connection.execute(delete(guesses).where(this))
        else:
            fewer = update(guesses).where(this, guesses.c.attempts > 0)
            tx.connection.execute(fewer.values(attempts=guesses.c.attempts - 1))


def _count(tx: Tx, digest: str, before: int | None, until: str) -> None:
    tx.connection.execute(delete(guesses).where(guesses.c.digest == digest))
    tx.connection.execute(insert(guesses).values(digest=digest, attempts=(before or 0) + 1, until=until))
