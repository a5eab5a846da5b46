"""Putting jobs into the queue and taking them out again."""

from typing import Any

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import ends, views
from control_plane.scheduler.operations.arrays import first_draft
from control_plane.scheduler.operations.dependencies import unmet
from control_plane.scheduler.operations.making import Draft, make, wait_for
from control_plane.scheduler.operations.rows import last_rank, load, must_own, save, tell
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.rules.mismatches import ONLY_WHOLE, only_whole
from control_plane.scheduler.rules.retries import must_be_retryable
from control_plane.scheduler.rules.states import moved
from control_plane.scheduler.tables import arrays, jobs
from store_client.errors import AlreadyExists, Forbidden, IllegalTransition, InvalidPrecondition
from store_client.wire.jobs import JobState, Reprioritise, SubmitJob

__all__ = ["cancel", "draft", "find_same", "let_go", "load", "reprioritise", "retry", "save", "stop", "submit", "tell"]
EMPTIED = ("started_at", "ended_at", "exit_code", "cause", "detail", "result", "waiting_for", "not_before")


def submit(tx: Tx, body: SubmitJob, claims: Claims) -> RowMapping:
    """Queue a job; the same idempotency key gives the job that exists, another spec under it is refused."""
    known = find_same(tx, body)
    return known if known is not None else make(tx, [draft(tx, body, claims)])[0]


def draft(tx: Tx, body: SubmitJob, claims: Claims) -> Draft:
    """A job that may be queued, or the first of an array."""
    claimed_at = _check_task(tx, body, claims)
    _check_branch(tx, body)
    _check_share(tx, body)
    base = tx.experiment["base_commit_sha"]
    commit = body.commit_sha or base
    if commit is None:
        raise InvalidPrecondition("the experiment has no base commit yet; name a commit_sha")
    facts = {
        "experiment_id": tx.experiment_id,
        "commit_sha": commit,
        "base_commit_sha": base,
        "claimed_at": claimed_at,
        "submitted_by": tx.caller.worker_id,
    }
    made = Draft(body, facts, unmet(tx, body.depends_on))
    return made if body.array is None else first_draft(tx, made, body.array)


def find_same(tx: Tx, body: SubmitJob) -> RowMapping | None:
    """The job that was queued under the same idempotency key, if any; AlreadyExists when it is not the same."""
    if body.idempotency_key is None:
        return None
    query = select(jobs).where(jobs.c.experiment_id == tx.experiment_id, jobs.c.idempotency_key == body.idempotency_key)
    known = tx.connection.execute(query).mappings().first()
    if known is not None:
        _must_be_the_same(tx, known, body)
    return known


def _must_be_the_same(tx: Tx, known: RowMapping, body: SubmitJob) -> None:
    if known["submitted_by"] != tx.caller.worker_id:
        raise AlreadyExists(f"job {known['number']} was queued under this idempotency key by somebody else")
    spec: Any = known["spec"]
    if known["array_id"] is not None:
        spec = tx.connection.scalar(select(arrays.c.spec).where(arrays.c.array_id == known["array_id"]))
    if SubmitJob.model_validate(spec) != body:
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


def _check_share(tx: Tx, body: SubmitJob) -> None:
    """Refuse a share at once where no GPU is ever given out in parts, instead of letting it wait for ever."""
    if body.resources.gpus and body.resources.gpu_share is not None:
        slots = [slot for view in views.load(tx) for slot in view.slots]
        if only_whole(slots):
            raise InvalidPrecondition(f"resources.gpu_share: {ONLY_WHOLE}; leave it out to get one whole")


def cancel(tx: Tx, job_id: str) -> RowMapping:
    """End a job: at once while it waits, else by stopping its processes; an ended job stays as it is."""
    row = load(tx, job_id)
    state = JobState(row["state"])
    if state.is_final or state is JobState.CANCELLING:
        return row
    must_own(tx, row["submitted_by"])
    return stop(tx, row)


def let_go(tx: Tx, job_id: str) -> RowMapping:
    """End a job whose claim has ended, and make no more of its array."""
    array_id = load(tx, job_id)["array_id"]
    if array_id is not None:
        ends.close(tx, array_id)
    return cancel(tx, job_id)


def stop(tx: Tx, row: RowMapping, act_id: str | None = None) -> RowMapping:
    """End a job that waits, and ask one on its slots to stop; perhaps by an act on many."""
    state = JobState(row["state"])
    if state is not JobState.QUEUED:
        return save(tx, row, "cancelling", state=moved(state, "ask_to_stop"), giving_way=None, act_id=act_id)
    ends.forget(tx, row)
    state = moved(state, "withdraw")
    end: dict[str, Any] = {"cause": "cancelled", "ended_at": tx.now, "waits_on": 0, "act_id": act_id}
    row = save(tx, row, "finished", state=state, **end)
    ends.ended(tx, row)
    return row


def retry(tx: Tx, job_id: str, claims: Claims) -> RowMapping:
    """Queue an ended job again, as a new attempt; not when the claim it worked under has ended."""
    row = load(tx, job_id)
    must_be_retryable(row["number"], JobState(row["state"]))
    must_be_wanted(tx, row, claims)
    waits = unmet(tx, SubmitJob.model_validate(row["spec"]).depends_on)
    ends.reopened(tx, row)
    wait_for(tx, row, waits)
    place = {"queued_at": tx.now, "rank": last_rank(tx, row["priority"])}
    changes: dict[str, Any] = {**place, "tries": 0, "losses": 0, "waits_on": len(waits), **dict.fromkeys(EMPTIED)}
    return save(tx, row, "requeued", state=moved(JobState(row["state"]), "retry"), **changes)


def must_be_wanted(tx: Tx, row: RowMapping, claims: Claims) -> None:
    """Refused when the claim that a job worked under has ended, or its experiment."""
    if row["task_id"] is not None:
        claim = claims.live_claim(tx.at(row["experiment_id"]), row["task_id"])
        if claim is None or claim[1] != row["claimed_at"]:
            raise InvalidPrecondition(f"the claim of task {row['task_id']} has ended; claim it and queue a new job")
    elif tx.at(row["experiment_id"]).status.is_final:
        raise IllegalTransition("the experiment has ended; queue the job in another one")


def reprioritise(tx: Tx, job_id: str, body: Reprioritise) -> RowMapping:
    """Change where a waiting job stands."""
    row = load(tx, job_id)
    if row["state"] != JobState.QUEUED:
        raise InvalidPrecondition("only a waiting job can change its place")
    return save(tx, row, "reprioritised", priority=body.priority)
