"""The task state machine: created, claimed, submitted, accepted or rejected, taken back, reassigned (protocol §4)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select

from control_plane.db import identities
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.operations import endings, ideas, paces, results, subjects, variants, whole
from control_plane.task_store.rules import claims, payloads, submissions
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import submissions as submission_table
from control_plane.task_store.tables import tasks
from store_client.errors import AlreadyExists, ConflictingResubmission, WorkerNotRegistered
from store_client.wire.calls.tasks import TaskFilter
from store_client.wire.tasks import (
    Claim,
    ClaimTask,
    CreateTask,
    ReassignTask,
    ReclaimCause,
    ReclaimTask,
    RejectTask,
    SubmitTask,
    Target,
    Task,
    TaskState,
)

NO_CLAIM = {"claimed_by": None, "claimed_at": None, "expires_at": None, "lapses_at": None}
_SUBMITTED = insert(submission_table)


def create(tx: Tx, body: CreateTask) -> Task:
    """Create a pending task; an execution task dispatches its idea in the same commit."""
    tx.must_take_new_work()
    if rows.find(tx, tasks, body.task_id) is not None:
        raise AlreadyExists(f"task {body.task_id} exists")
    payloads.to_json(body.payload)
    subject = subjects.of(tx, body)
    if body.kind == "execution":
        ideas.move(tx, "dispatch", rows.idea(tx, str(subject.id)))
    _insert(tx, body, subject)
    tx.count(f"tasks.{body.kind}.pending", 1)
    tx.tell("task.created", task_id=body.task_id, kind=body.kind)
    if body.kind == "execution":
        tx.tell("idea.dispatched", idea_id=subject.id, task_id=body.task_id)
    return read(tx, body.task_id)


def read(tx: Tx, task_id: str) -> Task:
    return records.task(rows.task(tx, task_id))


def read_submission(tx: Tx, task_id: str) -> dict[str, Any]:
    """What was submitted, as it was submitted."""
    rows.task(tx, task_id)
    return dict(rows.submission(tx, task_id)["payload"])


def list_all(tx: Tx, query: TaskFilter) -> Iterator[Task]:
    """Every task of the experiment, oldest first."""
    wanted = select(tasks).where(tasks.c.experiment_id == tx.experiment_id)
    if query.kind is not None:
        wanted = wanted.where(tasks.c.kind == query.kind)
    if query.state is not None:
        wanted = wanted.where(tasks.c.state == query.state)
    return whole.read(tx, wanted, tasks.c.number, records.task)


def claim(tx: Tx, task_id: str, body: ClaimTask) -> Claim:
    """Take a pending task; without a wish the claim lasts as long as its kind usually needs."""
    tx.must_take_new_work()
    task = rows.task(tx, task_id)
    rules.move("claim", task)
    _must_be_registered(tx)
    is_for_a_group = task["target_kind"] == "group"
    groups = identities.groups_of(tx.connection, tx.experiment_id, tx.caller.worker_id) if is_for_a_group else set()
    rules.must_be_eligible(task, tx.caller.worker_id, groups)
    seconds = claims.seconds_for(task["kind"], tx.experiment["config"])
    expires_at = body.expires_at or claims.after(tx.now, seconds)
    held = {"claimed_by": tx.caller.worker_id, "claimed_at": tx.now, "expires_at": expires_at}
    move(tx, "claim", task, **held, lapses_at=claims.normal(expires_at))
    tx.tell("task.claimed", task_id=task_id, worker_id=tx.caller.worker_id)
    return Claim(worker_id=tx.caller.worker_id, claimed_at=tx.now, expires_at=expires_at)


def submit(tx: Tx, task_id: str, body: SubmitTask, *, is_unchanged: bool = False) -> None:
    """Hand in the claimant's result; the same result again changes nothing.

    `is_unchanged` is what git said beforehand of an execution's commit: that its tree is that of every parent.
    """
    task = rows.task(tx, task_id)
    is_again = task["state"] == TaskState.SUBMITTED
    if not is_again:
        rules.move("submit", task)
    _must_be_registered(tx)
    rules.must_hold(task, tx.caller.worker_id)
    if is_again:
        _must_repeat(tx, task, body.payload)
        return
    result = submissions.parse(task["kind"], body.payload)
    results.must_refer_rightly(tx, task, result, is_unchanged=is_unchanged)
    _keep(tx, task_id, body.payload, getattr(result, "artifacts_uri", None))
    move(tx, "submit", task, submitted_by=tx.caller.worker_id)
    paces.count(tx, task["kind"], task["claimed_at"])
    tx.tell("task.submitted", task_id=task_id, worker_id=tx.caller.worker_id)


def accept(tx: Tx, task_id: str) -> None:
    """Complete a submitted task with everything its result brings, in one commit."""
    task = rows.task(tx, task_id)
    rules.move("accept", task)
    result = submissions.parse(task["kind"], rows.submission(tx, task_id)["payload"])
    submissions.must_have_succeeded(result)
    move(tx, "accept", task, **NO_CLAIM)
    tx.tell("task.completed", task_id=task_id, worker_id=task["submitted_by"])
    endings.accepted(tx, task, result)


def reject(tx: Tx, task_id: str, body: RejectTask) -> None:
    """Fail a submitted task with everything that follows, in one commit."""
    task = rows.task(tx, task_id)
    rules.move("reject", task)
    result = submissions.parse(task["kind"], rows.submission(tx, task_id)["payload"])
    move(tx, "reject", task, **NO_CLAIM)
    tx.tell("task.failed", task_id=task_id, reason=body.reason, worker_id=task["submitted_by"])
    endings.rejected(tx, task, result)


def reclaim(tx: Tx, task_id: str, body: ReclaimTask) -> None:
    """Take a claim away; what an execution attempt left behind ends as an error."""
    task = rows.task(tx, task_id)
    rules.must_be_reclaimable(task, body.cause)
    take_back(tx, task, body.cause)


def reassign(tx: Tx, task_id: str, body: ReassignTask) -> Task:
    """Give a task that nobody has submitted to somebody else, or to everybody."""
    task = rows.task(tx, task_id)
    rules.move("reassign", task)
    if task["state"] == TaskState.CLAIMED:
        take_back(tx, task, "operator")
    rows.change(tx, tasks, task_id, updated_at=tx.now, **_target_columns(body.new_target))
    target = body.new_target and body.new_target.to_wire()
    told = {"new_target": target, "reason": body.reason, "reassigned_by": tx.caller.worker_id}
    tx.tell("task.reassigned", task_id=task_id, **told)
    return read(tx, task_id)


def take_back(tx: Tx, task: RowMapping, cause: ReclaimCause) -> None:
    """Return a held task to pending, without its result."""
    move(tx, "reclaim", task, submitted_by=None, **NO_CLAIM)
    tx.connection.execute(delete(submission_table).where(*rows.key(tx, submission_table, task["task_id"])))
    tx.tell("task.reclaimed", task_id=task["task_id"], cause=cause)
    if task["kind"] == "execution":
        variants.fail_starting_of(tx, task["subject_id"])


def move(tx: Tx, act: str, task: RowMapping, **changes: Any) -> None:
    """Write the state after an act, and count it."""
    state = rules.move(act, task)
    rows.change(tx, tasks, task["task_id"], state=state, updated_at=tx.now, **changes)
    if state != task["state"]:
        name = f"tasks.{task['kind']}."
        tx.recount(name + task["state"], name + state)


def _insert(tx: Tx, body: CreateTask, subject: subjects.Subject) -> None:
    rows.add(
        tx,
        tasks,
        task_id=body.task_id,
        kind=body.kind,
        state=body.state,
        payload=body.payload,
        subject_id=subject.id,
        title=subject.title,
        priority=subject.priority,
        created_by=tx.caller.worker_id,
        created_at=body.created_at,
        updated_at=body.updated_at,
        **_target_columns(body.target or subject.target),
    )


def _target_columns(target: Target | None) -> dict[str, str | None]:
    return {"target_kind": target.kind if target else None, "target_id": target.id if target else None}


def _must_be_registered(tx: Tx) -> None:
    if tx.caller.is_admin or tx.caller.scope != tx.experiment_id:
        raise WorkerNotRegistered(f"{tx.caller.worker_id} is not registered in {tx.experiment_id}")


def _must_repeat(tx: Tx, task: RowMapping, payload: dict[str, Any]) -> None:
    first = rows.submission(tx, task["task_id"])["payload"]
    if not submissions.are_equivalent(task["kind"], first, payload):
        raise ConflictingResubmission(f"task {task['task_id']} was submitted with another result, which stands")


def _keep(tx: Tx, task_id: str, payload: dict[str, Any], artifacts_uri: str | None) -> None:
    row = {"experiment_id": tx.experiment_id, "task_id": task_id, "payload": payload, "submitted_at": tx.now}
    tx.run(_SUBMITTED, **row, artifacts_uri=artifacts_uri)
