"""What a submission refers to must exist, and belong to its task (protocol §5.4, §5.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.rules import submissions
from control_plane.task_store.tables import tasks
from store_client.errors import InvalidPrecondition
from store_client.wire.ideas import IdeaState
from store_client.wire.scalars import COMMIT
from store_client.wire.tasks import EvaluationResult, ExecutionResult, IdeationResult, TaskState


def commit_in(payload: Mapping[str, Any]) -> str | None:
    """The commit of a payload that reads like a successful execution."""
    commit = payload.get("commit_sha")
    is_commit = isinstance(commit, str) and COMMIT.fullmatch(commit) is not None
    return commit if is_commit and payload.get("status") == "success" else None


def parents_for(tx: Tx, task_id: str) -> tuple[str, ...]:
    """What a commit of the caller's execution is compared with; nothing when the caller holds no such task."""
    task = rows.find(tx, tasks, task_id)
    if task is None or task["kind"] != "execution" or task["state"] != TaskState.CLAIMED:
        return ()
    is_own = task["claimed_by"] == tx.caller.worker_id
    return tuple(rows.idea(tx, task["subject_id"])["parent_commits"]) if is_own else ()


def must_refer_rightly(tx: Tx, task: RowMapping, result: submissions.Result, *, is_unchanged: bool = False) -> None:
    """NotFound for what is unknown, InvalidPrecondition for what belongs elsewhere, NoOpVariant for no change."""
    match result:
        case IdeationResult():
            _must_be_past_drafting(tx, result.idea_ids)
        case ExecutionResult():
            _must_be_of_the_idea(tx, task, result)
            parents = rows.idea(tx, task["subject_id"])["parent_commits"]
            submissions.must_change_something(result, parents, is_unchanged=is_unchanged)
        case EvaluationResult():
            _must_be_the_variant(tx, task, result)


def _must_be_past_drafting(tx: Tx, idea_ids: Sequence[str]) -> None:
    for idea_id in dict.fromkeys(idea_ids):
        if rows.idea(tx, idea_id)["state"] == IdeaState.DRAFTING:
            raise InvalidPrecondition(f"idea {idea_id} is still drafting; mark it ready, or leave it out")


def _must_be_of_the_idea(tx: Tx, task: RowMapping, result: ExecutionResult) -> None:
    variant = rows.variant(tx, result.variant_id)
    if variant["idea_id"] != task["subject_id"] or variant["kind"] is not None:
        raise InvalidPrecondition(f"variant {result.variant_id} is not of idea {task['subject_id']}")


def _must_be_the_variant(tx: Tx, task: RowMapping, result: EvaluationResult) -> None:
    rows.variant(tx, result.variant_id)
    if result.variant_id != task["subject_id"]:
        raise InvalidPrecondition(f"this task evaluates variant {task['subject_id']}, not {result.variant_id}")
