"""Attempts on other machines: who may speak for one, what it is to do, and what git lets it do."""

import hmac

from sqlalchemy import Connection, RowMapping, delete, insert, select, tuple_, update

from control_plane.db import identities
from control_plane.db.identities import Keys
from control_plane.db.tables import attempt_keys
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.operations.submit import load
from control_plane.scheduler.tables import attempts, jobs
from store_client.errors import Forbidden, IllegalTransition, NotFound, Unauthorized
from store_client.wire.attempts import AttemptOrder, BeginAttempt
from store_client.wire.call import Query
from store_client.wire.jobs import JobState
from store_client.wire.record import Body

LAUNCHED = frozenset({JobState.STARTING, JobState.RUNNING})


def ticket(keys: Keys, job_id: str, attempt: int) -> str:
    """What is sent along with an attempt, and is worth nothing once the attempt has begun."""
    return keys.digest(f"ticket of attempt {job_id}/{attempt}")


def branch(job_id: str, attempt: int) -> str:
    """The one branch that an attempt may push; its own, so that nothing but the scheduler moves a worker's."""
    return f"work/{job_id}/{attempt}"


def begin(tx: Tx, job_id: str, attempt: str, body: BeginAttempt, keys: Keys) -> AttemptOrder:
    """Bind the attempt to the secret that its machine made; the same secret gets the same order again."""
    number = number_of(attempt)
    if not hmac.compare_digest(body.ticket.encode(), ticket(keys, job_id, number).encode()):
        raise Unauthorized("this is not the ticket of the attempt")
    row = load(tx, job_id)
    if row["attempt"] != number or row["state"] not in LAUNCHED:
        raise IllegalTransition(f"attempt {number} of job {row['number']} is not to run (any more)")
    _bind(tx, job_id, number, keys.digest(body.secret))
    shared = ("job_id", "attempt", "number", "experiment_id", "commit_sha", "base_commit_sha", "submitted_by")
    given = {name: row[name] for name in (*shared, "created_at")}
    return AttemptOrder(**given, spec=spec_of(row), branch=branch(job_id, number))


def _bind(tx: Tx, job_id: str, number: int, digest: str) -> None:
    this = (attempt_keys.c.job_id == job_id) & (attempt_keys.c.attempt == number)
    known = tx.connection.scalar(select(attempt_keys.c.digest).where(this))
    if known is None:
        tx.connection.execute(
            insert(attempt_keys).values(job_id=job_id, attempt=number, digest=digest, begun_at=tx.now)
        )
        _note_node(tx, job_id, number)
    elif not hmac.compare_digest(known, digest):
        raise Unauthorized("this ticket has been used")


def _note_node(tx: Tx, job_id: str, number: int) -> None:
    """Write down where the attempt is, which its slots name."""
    this = (attempts.c.job_id == job_id) & (attempts.c.number == number)
    slots = tx.connection.scalar(select(attempts.c.slots).where(this)) or []
    node = next((slot.rpartition("/")[0] for slot in slots), "")
    tx.connection.execute(update(attempts).where(this).values(node=node or None))


def forget_keys(tx: Tx, before: str, most: int) -> int:
    """Remove what attempts proved themselves with that ended before then; how many those were, no more than `most`."""
    of_attempt = (attempts.c.job_id == attempt_keys.c.job_id) & (attempts.c.number == attempt_keys.c.attempt)
    query = select(attempt_keys.c.job_id, attempt_keys.c.attempt).join(attempts, of_attempt)
    over = query.where(attempts.c.ended_at < before).limit(most)
    this = tuple_(attempt_keys.c.job_id, attempt_keys.c.attempt)
    keys = [tuple(row) for row in tx.connection.execute(over)]
    if keys:
        tx.connection.execute(delete(attempt_keys).where(this.in_(keys)))
    return len(keys)


def hear(tx: Tx, job_id: str, attempt: str, body: Body) -> str:  # noqa: ARG001 - the files take the body
    """Whether the caller may speak for this attempt now; the experiment it works for."""
    return ask(tx, job_id, attempt)


def fetch(tx: Tx, job_id: str, attempt: str, query: Query) -> str:  # noqa: ARG001 - the files know what it names
    """The same for one who fetches something."""
    return ask(tx, job_id, attempt)


def ask(tx: Tx, job_id: str, attempt: str) -> str:
    """The same for one who has nothing to say."""
    return str(_current(tx, job_id, attempt)["experiment_id"])


def _current(tx: Tx, job_id: str, attempt: str) -> RowMapping:
    number = number_of(attempt)
    if tx.caller.worker_id != f"{job_id}/{number}":
        raise Forbidden("an attempt speaks for itself alone")
    row = load(tx, job_id)
    if row["attempt"] != number or not JobState(row["state"]).is_on_a_slot:
        raise IllegalTransition(f"attempt {number} of job {row['number']} is over; stop")
    return row


def number_of(attempt: str) -> int:
    """The number in a path; NotFound for what is none."""
    if not (attempt.isascii() and attempt.isdecimal()) or len(attempt) > 9:
        raise NotFound("an attempt has a number")
    return int(attempt)


def may_push(connection: Connection, keys: Keys, username: str, secret: str) -> tuple[str, str] | None:
    """(experiment id, branch) of a living attempt's name and secret; None for everybody else."""
    caller = identities.identify_attempt(connection, keys, (username, secret))
    if caller is None:
        return None
    job_id, _, number = caller.worker_id.partition("/")
    query = select(jobs.c.experiment_id, jobs.c.state).where(jobs.c.job_id == job_id, jobs.c.attempt == int(number))
    row = connection.execute(query).first()
    if row is None or not JobState(row.state).is_on_a_slot:
        return None
    return row.experiment_id, branch(job_id, int(number))
