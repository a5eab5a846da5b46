"""Who a bearer is and which groups that worker is in: the part of the registries that every wing asks."""

import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import CTE, Connection, RowMapping, bindparam, insert, select

from control_plane.db.question import Question
from control_plane.db.tables import attempt_keys, credentials, groups, members, workers
from control_plane.db.transaction import Caller

RESERVED_GROUPS = frozenset({"admins", "orchestrators"})
RESERVED_WORKERS = frozenset({"admin", "system", "internal"})


@dataclass(frozen=True)
class Keys:
    """The deployment's secrets: the admin token and the key under which worker secrets are hashed."""

    admin_token: str
    pepper: bytes
    are_off: bool = False
    """Whether everybody is believed to be whom they name, for harnesses."""

    def digest(self, secret: str) -> str:
        """The keyed hash under which a random secret is stored."""
        return hmac.digest(self.pepper, secret.encode(), "sha256").hex()

    def is_admin_token(self, secret: str) -> bool:
        return hmac.compare_digest(self.digest(secret), self.digest(self.admin_token))


def new_secret() -> str:
    """A random secret of 256 bits."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Issue:
    """What a new credential is for, and in which scope its worker is registered."""

    scope: str
    kind: str = "registration"
    expires_at: str | None = None
    task_id: str | None = None
    claimed_at: str | None = None
    session_digest: str | None = None
    is_read_only: bool = False
    is_confined: bool = False


def issue(connection: Connection, keys: Keys, worker_id: str, now: str, what: Issue) -> str:
    """Store a new credential of a worker and return its secret, which is kept nowhere."""
    secret = new_secret()
    connection.execute(
        insert(credentials).values(
            digest=keys.digest(secret),
            scope=what.scope,
            worker_id=worker_id,
            kind=what.kind,
            created_at=now,
            expires_at=what.expires_at,
            task_id=what.task_id,
            claimed_at=what.claimed_at,
            session_digest=what.session_digest,
            is_read_only=what.is_read_only,
            is_confined=what.is_confined,
        )
    )
    return secret


_CREDENTIAL = (
    select(credentials, workers.c.name)
    .join(workers, (workers.c.scope == credentials.c.scope) & (workers.c.worker_id == credentials.c.worker_id))
    .where(credentials.c.digest == bindparam("of"), credentials.c.worker_id == bindparam("by"))
    .where(workers.c.disabled_at.is_(None))
)
_TOLD = ("worker_id", "scope", "kind", "expires_at", "is_read_only", "is_confined", "session_digest")
_PROVEN = [credentials.c[name] for name in _TOLD]
_PROOF = Question(_CREDENTIAL.with_only_columns(*_PROVEN, workers.c.name))


def find_credential(connection: Connection, keys: Keys, worker_id: str, secret: str, now: str) -> RowMapping | None:
    """The live credential with this secret and its worker's row, looked up by keyed hash."""
    return _live(connection.execute(_CREDENTIAL, {"of": keys.digest(secret), "by": worker_id}).mappings().first(), now)


def _live(credential: RowMapping | None, now: str) -> RowMapping | None:
    is_over = credential is not None and credential["expires_at"] is not None and credential["expires_at"] <= now
    return None if is_over else credential


def identify(connection: Connection, keys: Keys, bearer: tuple[str, str], now: str) -> Caller | None:
    """The caller a bearer (principal, secret) proves, or None; git passwords prove nothing here."""
    principal, secret = bearer
    if principal == "admin":
        return Caller("admin") if keys.is_admin_token(secret) else None
    row = _live(_PROOF.first(connection, {"of": keys.digest(secret), "by": principal}), now)
    if row is None or row["kind"] == "git":
        return None
    return Caller(
        row["worker_id"],
        row["scope"],
        row["name"],
        is_by_token=row["kind"] == "token",
        is_read_only=row["is_read_only"],
        is_confined=row["is_confined"],
        session_digest=row["session_digest"],
    )


_ATTEMPT = Question(
    select(attempt_keys.c.digest).where(
        attempt_keys.c.job_id == bindparam("job"),
        attempt_keys.c.attempt == bindparam("number"),
        attempt_keys.c.digest == bindparam("of"),
    )
)


def identify_attempt(connection: Connection, keys: Keys, bearer: tuple[str, str]) -> Caller | None:
    """The attempt that a bearer (`<job id>/<number>`, secret) proves, or None; not whether it is still wanted."""
    principal, secret = bearer
    job_id, _, number = principal.partition("/")
    if not number.isdecimal() or len(number) > 9 or "\x00" in job_id:
        return None
    row = _ATTEMPT.first(connection, {"job": job_id, "number": int(number), "of": keys.digest(secret)})
    return Caller(f"{job_id}/{int(number)}") if row is not None else None


def _holding() -> CTE:
    """The groups that hold a member, directly or through others of the same scope."""
    here = members.c.scope == bindparam("here")
    direct = select(members.c.group_id).where(here, members.c.member_id == bindparam("member"))
    holding = direct.cte("holding", recursive=True)
    step = select(members.c.group_id).join(holding, members.c.member_id == holding.c.group_id)
    return holding.union(step.where(here))


_HOLDING = _holding()
_GROUPS = select(_HOLDING.c.group_id)
_NAMED = Question(
    select(groups.c.group_id)
    .where(groups.c.scope == bindparam("here"), groups.c.name.in_([bindparam("name"), bindparam("other")]))
    .where(groups.c.group_id.in_(_GROUPS))
    .limit(1)
)


def groups_of(connection: Connection, scope: str, member_id: str) -> set[str]:
    """Ids of every group of the scope that contains the worker or group of that scope, directly or through others.

    Registries are never shared: what a group elsewhere lists says nothing here.
    """
    return set(connection.scalars(_GROUPS, {"here": scope, "member": member_id}))


def is_in(connection: Connection, scope: str, worker_id: str, group_id: str) -> bool:
    """Whether a worker is transitively in a group of its scope."""
    return group_id in groups_of(connection, scope, worker_id)


def is_in_named(connection: Connection, caller: Caller, names: tuple[str, ...]) -> bool:
    """Whether a worker is in one of the reserved groups of its own scope."""
    first, *others = names
    asked = {"here": caller.scope, "member": caller.worker_id, "name": first}
    return any(_NAMED.first(connection, {**asked, "other": other}) is not None for other in others or [first])
