"""What a submission refers to must exist, and belong to its task (protocol §5.4, §5.6)."""

from collections.abc import Sequence

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.rules import submissions
from store_client.errors import InvalidPrecondition
from store_client.wire.ideas import IdeaState
from store_client.wire.tasks import EvaluationResult, ExecutionResult, IdeationResult


def must_refer_rightly(tx: Tx, task: RowMapping, result: submissions.Result) -> None:
    """NotFound for what is unknown, InvalidPrecondition for what belongs elsewhere, NoOpVariant for no change."""
    match result:
        case IdeationResult():
            _must_be_past_drafting(tx, result.idea_ids)
        case ExecutionResult():
            _must_be_of_the_idea(tx, task, result)
        case EvaluationResult():
            _must_be_the_variant(tx, task, result)


def _must_be_past_drafting(tx: Tx, idea_ids: Sequence[str]) -> None:
    for idea_id in dict.fromkeys(idea_ids):
        if rows.idea(tx, idea_id)["state"] == IdeaState.DRAFTING:
            raise InvalidPrecondition(f"idea {idea_id} is still drafting; mark it ready, or leave it out")


def _must_be_of_the_idea(tx: Tx, task: RowMapping, result: ExecutionResult) -> None:
    if rows.variant(tx, result.variant_id)["idea_id"] != task["subject_id"]:
        raise InvalidPrecondition(f"variant {result.variant_id} is not of idea {task['subject_id']}")
    submissions.must_change_something(result, rows.idea(tx, task["subject_id"])["parent_commits"])


def _must_be_the_variant(tx: Tx, task: RowMapping, result: EvaluationResult) -> None:
    rows.variant(tx, result.variant_id)
    if result.variant_id != task["subject_id"]:
        raise InvalidPrecondition(f"this task evaluates variant {task['subject_id']}, not {result.variant_id}")
