"""Metric values against the experiment's evaluation schema (protocol §1.7, §5.5)."""

from collections.abc import Mapping
from typing import Any

from store_client.errors import InvalidPrecondition

RESERVED = frozenset(
    {
        "variant_id", "commit_sha", "parent_commits", "branch", "status", "artifacts_uri", "executor_artifacts_uri",
        "description", "timestamp", "started_at", "completed_at",
    }
)  # fmt: skip


def fault_of(schema: Mapping[str, str], evaluation: Mapping[str, Any]) -> str | None:
    """Why these metrics break the schema, or None; a missing metric is fine."""
    for name, value in evaluation.items():
        if name in RESERVED:
            return f"{name} is a reserved name"
        if name not in schema:
            return f"{name} is not a metric of this experiment"
        if not is_of(schema[name], value):
            return f"{name} must be {schema[name]}, not {value!r}"
    return None


def is_of(declared: str, value: Any) -> bool:
    """Whether a JSON value is one of the declared type; null is always allowed, and no boolean is a number."""
    if value is None:
        return True
    if declared == "text":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return declared == "real" or isinstance(value, int) or value.is_integer()


def must_satisfy(schema: Mapping[str, str], evaluation: Mapping[str, Any]) -> None:
    """InvalidPrecondition when the metrics break the schema."""
    fault = fault_of(schema, evaluation)
    if fault is not None:
        raise InvalidPrecondition(f"the evaluation is not valid: {fault}")
