"""Putting jobs into the queue and taking them out again."""

from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update

from control_plane.db import tally
from control_plane.db.identities import is_in_named
from control_plane.db.transaction import Tx
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.rules.states import moved
from control_plane.scheduler.tables import jobs
from store_client.errors import AlreadyExists, Forbidden, InvalidPrecondition, NotFound
from store_client.wire.jobs import JobState, Reprioritise, SubmitJob


def submit(tx: Tx, body: SubmitJob, claims: Claims) -> RowMapping:
    """Queue a job; the same idempotency key gives the job that exists, another spec under it is refused."""
    known = _by_key(tx, body.idempotency_key)
    if known is not None:
        _must_be_the_same(tx, known, body)
        return known
    claimed_at = _check_task(tx, body, claims)
    _check_branch(tx, body)
    commit = body.commit_sha or tx.experiment["base_commit_sha"]
    if commit is None:
        raise InvalidPrecondition("the experiment has no base commit yet; name a commit_sha")
    job_id, number = tx.mint("job"), (tx.connection.scalar(select(func.max(jobs.c.number))) or 0) + 1
    tx.connection.execute(
        insert(jobs).values(
            job_id=job_id,
            number=number,
            rank=number,
            experiment_id=tx.experiment_id,
            name=body.name,
            state=JobState.QUEUED,
            priority=body.priority,
            resources=body.resources.to_wire(),
            spec=body.to_wire(),
            commit_sha=commit,
            base_commit_sha=tx.experiment["base_commit_sha"],
            role=body.role,
            task_id=body.task_id,
            claimed_at=claimed_at,
            submitted_by=tx.caller.worker_id,
            idempotency_key=body.idempotency_key,
            attempt=0,
            created_at=tx.now,
            queued_at=tx.now,
        )
    )
    row = load(tx, job_id)
    tell(tx, "queued", row, None, JobState.QUEUED)
    return row


def _by_key(tx: Tx, key: str | None) -> RowMapping | None:
    if key is None:
        return None
    query = select(jobs).where(jobs.c.experiment_id == tx.experiment_id, jobs.c.idempotency_key == key)
    return tx.connection.execute(query).mappings().first()


def _must_be_the_same(tx: Tx, known: RowMapping, body: SubmitJob) -> None:
    if known["submitted_by"] != tx.caller.worker_id:
        raise AlreadyExists(f"job {known['number']} was queued under this idempotency key by somebody else")
    if known["spec"] != body.to_wire():
        raise AlreadyExists(f"job {known['number']} was queued under this idempotency key with another spec")


def _check_task(tx: Tx, body: SubmitJob, claims: Claims) -> str | None:
    """The claim the job works under; without a task, new work is only taken while the experiment runs."""
    if body.task_id is None:
        tx.must_take_new_work()
        return None
    claim = claims.live_claim(tx, body.task_id)
    if claim is None or (claim[0] != tx.caller.worker_id and not tx.caller.is_admin):
        raise InvalidPrecondition(f"claim task {body.task_id} before you queue a job for it")
    return claim[1]


def _check_branch(tx: Tx, body: SubmitJob) -> None:
    own = f"work/{tx.caller.worker_id}/"
    if body.publish is not None and not tx.caller.is_admin and not body.publish.startswith(own):
        raise Forbidden(f"publish to a branch of your own, below {own}")


def load(tx: Tx, job_id: str) -> RowMapping:
    """The row of a job; in an experiment's scope only its own jobs exist."""
    query = select(jobs).where(jobs.c.job_id == job_id)
    if tx.experiment_id:
        query = query.where(jobs.c.experiment_id == tx.experiment_id)
    row = tx.connection.execute(query).mappings().first()
    if row is None and job_id.isdecimal() and len(job_id) < 10:
        query = select(jobs.c.job_id).where(jobs.c.number == int(job_id))
        found = tx.connection.scalar(query)
        return load(tx, found) if found else _missing(job_id)
    return row if row is not None else _missing(job_id)


def _missing(job_id: str) -> RowMapping:
    raise NotFound(f"there is no job {job_id} here")


def cancel(tx: Tx, job_id: str) -> RowMapping:
    """End a job: at once while it waits, else by stopping its processes; an ended job stays as it is."""
    row = load(tx, job_id)
    state = JobState(row["state"])
    if state.is_final or state is JobState.CANCELLING:
        return row
    _check_owner(tx, row)
    if state is JobState.QUEUED:
        return save(tx, row, "finished", state=moved(state, "withdraw"), cause="cancelled", ended_at=tx.now)
    return save(tx, row, "cancelling", state=moved(state, "ask_to_stop"))


def _check_owner(tx: Tx, row: RowMapping) -> None:
    is_own = row["submitted_by"] == tx.caller.worker_id
    if (
        tx.experiment_id
        and not tx.caller.is_admin
        and not is_own
        and not is_in_named(tx.connection, tx.caller, ("admins",))
    ):
        raise Forbidden("cancel your own jobs; those of others are for admins")


def retry(tx: Tx, job_id: str, claims: Claims) -> RowMapping:
    """Queue an ended job again, as a new attempt; not when the claim it worked under has ended."""
    row = load(tx, job_id)
    state = moved(JobState(row["state"]), "retry")
    if row["task_id"] is not None:
        claim = claims.live_claim(tx.at(row["experiment_id"]), row["task_id"])
        if claim is None or claim[1] != row["claimed_at"]:
            raise InvalidPrecondition(f"the claim of task {row['task_id']} has ended; claim it and queue a new job")
    emptied = ("started_at", "ended_at", "exit_code", "cause", "result", "waiting_for")
    return save(tx, row, "requeued", state=state, queued_at=tx.now, **dict.fromkeys(emptied))


def reprioritise(tx: Tx, job_id: str, body: Reprioritise) -> RowMapping:
    """Change where a waiting job stands."""
    row = load(tx, job_id)
    if row["state"] != JobState.QUEUED:
        raise InvalidPrecondition("only a waiting job can change its place")
    return save(tx, row, "reprioritised", priority=body.priority)


def save(tx: Tx, row: RowMapping, act: str, **changes: Any) -> RowMapping:
    """Write a change of a job, guarded by the state and attempt it was decided on, and tell it."""
    guarded = (
        update(jobs)
        .where(jobs.c.job_id == row["job_id"], jobs.c.state == row["state"], jobs.c.attempt == row["attempt"])
        .values(**changes)
    )
    if tx.connection.execute(guarded).rowcount != 1:
        raise InvalidPrecondition(f"job {row['number']} moved on meanwhile")
    changed = load(tx, row["job_id"])
    tell(tx, act, changed, row["state"], changed["state"])
    return changed


def tell(tx: Tx, act: str, row: RowMapping, old: str | None, new: str) -> None:
    """Append the job's event in its experiment and keep the tallies."""
    scope = tx.at(row["experiment_id"])
    if old != new:
        tally.move(tx.connection, row["experiment_id"], f"jobs.{old}" if old else None, f"jobs.{new}")
    facts = {"job_id": row["job_id"], "number": row["number"], "state": str(new), "name": row["name"]}
    extra = {key: row[key] for key in ("task_id", "cause", "exit_code") if row[key] is not None}
    scope.tell(f"job.{act}", **facts, attempt=row["attempt"], **extra)
