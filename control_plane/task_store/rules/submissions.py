"""Submissions: their shape (protocol §5.4), their equivalence (§4.4) and what must be true of a good one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from control_plane.task_store.rules.payloads import is_same, to_json
from store_client.errors import BadRequest, InvalidPrecondition, NoOpVariant
from store_client.wire.tasks import RESULTS, EvaluationResult, ExecutionResult, IdeationResult, TaskKind

Result = IdeationResult | ExecutionResult | EvaluationResult


def parse(kind: TaskKind, payload: Mapping[str, Any]) -> Result:
    """The payload as the result of this kind of task; BadRequest when it is none."""
    try:
        return RESULTS[kind].model_validate_json(to_json(payload), strict=True)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])) or "payload", fault["msg"]) for fault in error.errors()[:5]]
        raise BadRequest("; ".join(f"payload.{place}: {message}" for place, message in faults)) from error


def are_equivalent(kind: TaskKind, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether a second payload says what the first said; artifacts never count, the first value stands."""
    try:
        return is_same(_essence(parse(kind, first)), _essence(parse(kind, second)))
    except BadRequest:
        return False


def _essence(result: Result) -> list[Any]:
    if isinstance(result, IdeationResult):
        return [result.status, sorted(set(result.idea_ids))]
    if isinstance(result, ExecutionResult):
        return [result.status, result.variant_id, result.commit_sha]
    return [result.status, result.variant_id, result.evaluation]


def must_have_succeeded(result: Result) -> None:
    """Only a success is accepted (§4.5)."""
    if result.status != "success":
        raise InvalidPrecondition(f"the submission says {result.status}; reject it instead")


def must_change_something(result: ExecutionResult, parent_commits: Sequence[str], *, is_unchanged: bool) -> None:
    """A success differs from at least one parent (§5.6): by its name, and by its tree where git knows both."""
    if result.status != "success":
        return
    if is_unchanged or all(parent == result.commit_sha for parent in parent_commits):
        raise NoOpVariant(f"commit {result.commit_sha} is every parent of the idea: nothing was changed")
