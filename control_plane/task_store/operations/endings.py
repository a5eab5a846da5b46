"""What the end of a task does to its idea and variant, in the same commit (protocol §4.5)."""

from typing import Any

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.operations import ideas, variants
from control_plane.task_store.rules import metrics, submissions
from control_plane.task_store.tables import variants as variant_table
from store_client.errors import InvalidPrecondition
from store_client.wire.tasks import EvaluationResult, ExecutionResult
from store_client.wire.variants import VariantStatus


def accepted(tx: Tx, task: RowMapping, result: submissions.Result) -> None:
    """The effects of accepting a success."""
    if isinstance(result, ExecutionResult):
        _must_be_starting(rows.variant(tx, result.variant_id))
        variants.accept(tx, result.variant_id, str(result.commit_sha), **_executed(task, result))
        _complete_idea(tx, task)
    if isinstance(result, EvaluationResult):
        variant = rows.variant(tx, result.variant_id)
        _must_be_starting(variant)
        metrics.must_satisfy(_schema(tx), result.evaluation or {})
        variants.succeed(tx, variant, dict(result.evaluation or {}), **_evaluated(task, variant, result))


def rejected(tx: Tx, task: RowMapping, result: submissions.Result) -> None:
    """The effects of rejecting; a variant that has meanwhile ended is left alone."""
    if isinstance(result, ExecutionResult):
        _complete_idea(tx, task)
        variant = rows.variant(tx, result.variant_id)
        if variant["status"] == VariantStatus.STARTING:
            variants.fail(tx, variant, **_executed(task, result))
    if isinstance(result, EvaluationResult):
        _end_evaluation(tx, task, result)


def _end_evaluation(tx: Tx, task: RowMapping, result: EvaluationResult) -> None:
    variant = rows.variant(tx, result.variant_id)
    if variant["status"] != VariantStatus.STARTING:
        return
    if result.status == "error":
        variants.fail(tx, variant, **_partial(tx, result), **_evaluated(task, variant, result))
    else:
        rows.change(tx, variant_table, result.variant_id, evaluation_attempts=variant["evaluation_attempts"] + 1)


def _complete_idea(tx: Tx, task: RowMapping) -> None:
    ideas.move(tx, "complete", rows.idea(tx, task["subject_id"]))
    tx.tell("idea.completed", idea_id=task["subject_id"], task_id=task["task_id"])


def _executed(task: RowMapping, result: ExecutionResult) -> dict[str, Any]:
    return {"executed_by": task["submitted_by"], "executor_artifacts_uri": result.artifacts_uri}


def _evaluated(task: RowMapping, variant: RowMapping, result: EvaluationResult) -> dict[str, Any]:
    return {
        "evaluated_by": task["submitted_by"],
        "artifacts_uri": result.artifacts_uri,
        "evaluation_attempts": variant["evaluation_attempts"] + 1,
    }


def _partial(tx: Tx, result: EvaluationResult) -> dict[str, Any]:
    """The metrics of a failed evaluation, where they satisfy the schema: none that break it is ever stored."""
    is_valid = result.evaluation is not None and metrics.fault_of(_schema(tx), result.evaluation) is None
    return {"evaluation": dict(result.evaluation or {})} if is_valid else {}


def _schema(tx: Tx) -> dict[str, str]:
    return dict(tx.experiment["config"]["evaluation_schema"])


def _must_be_starting(variant: RowMapping) -> None:
    if variant["status"] != VariantStatus.STARTING:
        raise InvalidPrecondition(f"variant {variant['variant_id']} has ended meanwhile; reject the task")
