"""Git's door: a password good for one claim, and what a name and password may do."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, select

from control_plane.db import identities
from control_plane.db.identities import Issue, Keys
from control_plane.db.tables import credentials
from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.rules import claims
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import tasks
from store_client.errors import InvalidPrecondition
from store_client.wire.tasks import TaskState
from store_client.wire.workers import GitPassword


@dataclass(frozen=True)
class GitAccess:
    """Who asks git, in which experiment (None: in all), and under which refs they may push (None: nowhere)."""

    worker_id: str
    experiment_id: str | None
    push_prefix: str | None


def password(tx: Tx, task_id: str, keys: Keys) -> GitPassword:
    """A password for one's own claim of a task that has a commit to work on; it replaces the one before."""
    task = rows.task(tx, task_id)
    rules.move("renew", task)
    rules.must_hold(task, tx.caller.worker_id)
    if task["kind"] == "ideation":
        raise InvalidPrecondition("an ideation needs no git")
    _revoke(tx, task)
    expires_at = task["lapses_at"] or claims.after(tx.now, claims.GIT_PASSWORD_SECONDS)
    what = Issue(tx.experiment_id, "git", expires_at, task_id, task["claimed_at"])
    return GitPassword(
        username=tx.caller.worker_id,
        password=identities.issue(tx.connection, keys, tx.caller.worker_id, tx.now, what),
        branch_prefix=f"work/{tx.caller.worker_id}/",
        expires_at=expires_at,
    )


def git_access(connection: Connection, keys: Keys, username: str, secret: str, now: str) -> GitAccess | None:
    """What a Basic name and password may do: the administrator reads, a worker pushes its own branches."""
    if username == "admin":
        return GitAccess("admin", None, None) if keys.is_admin_token(secret) else None
    if "\x00" in username:
        return None
    row = identities.find_credential(connection, keys, username, secret, now)
    if row is None or (row["kind"] == "git" and not _is_live(connection, row)):
        return None
    prefix = None if row["is_read_only"] else f"refs/heads/work/{row['worker_id']}/"
    return GitAccess(row["worker_id"], row["scope"], prefix)


def _is_live(connection: Connection, credential: RowMapping) -> bool:
    """Whether the claim that a git password is bound to is still held."""
    query = select(tasks.c.task_id).where(
        tasks.c.experiment_id == credential["scope"],
        tasks.c.task_id == credential["task_id"],
        tasks.c.state == TaskState.CLAIMED,
        tasks.c.claimed_by == credential["worker_id"],
        tasks.c.claimed_at == credential["claimed_at"],
    )
    return connection.scalar(query) is not None


def _revoke(tx: Tx, task: RowMapping) -> None:
    held = (credentials.c.scope == tx.experiment_id) & (credentials.c.worker_id == tx.caller.worker_id)
    this = (credentials.c.kind == "git") & (credentials.c.task_id == task["task_id"])
    tx.connection.execute(delete(credentials).where(held, this))
