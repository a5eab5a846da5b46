"""The five decisions (protocol §12) as pure functions of what is known about an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store_client.wire.durations import parse_duration
from store_client.wire.scalars import parse_time
from store_client.wire.tasks import RejectReason

DEFAULT_IDEATION_TARGET = 3
MAX_EVALUATION_ATTEMPTS = 3
"""So often is a variant evaluated when the evaluator itself fails, before its evaluation is given up."""


def ideation_shortfall(policy: Mapping[str, Any] | None, pending: int, total: int) -> int:
    """How many ideation tasks to add, given those pending and all there ever were (decision 1)."""
    policy = policy or {"kind": "maintain_pending"}
    if policy["kind"] == "fixed_total":
        return max(0, int(policy["total"]) - total)
    wanted = int(policy.get("target", DEFAULT_IDEATION_TARGET)) - pending
    limit = policy.get("max_total")
    return max(0, wanted if limit is None else min(wanted, int(limit) - total))


def execution_room(parallel_variants: int, in_flight: int, left: int | None = None) -> int:
    """How many more executions may start (decision 2): neither `parallel_variants` nor what is `left` is exceeded."""
    room = parallel_variants - in_flight
    return max(0, room if left is None else min(room, left))


def variants_left(policy: Mapping[str, Any] | None, attempted: int, executing: int) -> int | None:
    """How many executions may still be dispatched before the policy's last variant; None without such a limit.

    An execution that is under way may or may not have started its variant: counting both is cautious near the end.
    """
    if policy is None or policy.get("kind") != "max_variants":
        return None
    return max(0, int(policy["target"]) - attempted - executing)


def is_worth_evaluating(failed_attempts: int) -> bool:
    """Whether a variant is evaluated (again), or its evaluation given up (decision 3)."""
    return failed_attempts < MAX_EVALUATION_ATTEMPTS


@dataclass(frozen=True)
class View:
    """What a termination policy may know of an experiment."""

    created_at: str
    now: str
    attempted: int
    in_flight: int
    integrated: Sequence[Mapping[str, Any]]
    """Metrics of integrated variants in the order of their integration."""


def termination(policy: Mapping[str, Any], view: View) -> str | None:
    """The reason to end the experiment now, or None (decision 0)."""
    return _POLICIES[policy["kind"]](policy, view)


def _never(_policy: Mapping[str, Any], _view: View) -> str | None:
    return None


def _max_variants(policy: Mapping[str, Any], view: View) -> str | None:
    """Once so many were tried and the last of them is judged, so that none is left without a verdict."""
    target = int(policy["target"])
    if view.attempted < target or view.in_flight:
        return None
    return f"{view.attempted} variants were tried; the policy stops at {target}"


def _max_wall_time(policy: Mapping[str, Any], view: View) -> str | None:
    elapsed = parse_time(view.now) - parse_time(view.created_at)
    limit = parse_duration(policy["duration"])
    return f"it ran for {elapsed}; the policy stops after {policy['duration']}" if elapsed >= limit else None


def _convergence_window(policy: Mapping[str, Any], view: View) -> str | None:
    """No improvement within the trailing window over the best before it."""
    metric, window = policy["metric"], int(policy["window"])
    values = _values(view.integrated, metric, policy)
    if len(values) <= window or max(values[-window:]) > max(values[:-window]):
        return None
    return f"{metric} did not improve over the last {window} integrated variants"


def _target_condition(policy: Mapping[str, Any], view: View) -> str | None:
    metric, threshold = policy["metric"], float(policy["threshold"])
    sign = -1.0 if policy.get("direction") == "minimize" else 1.0
    values = _values(view.integrated, metric, policy)
    if not values or max(values) < sign * threshold:
        return None
    return f"{metric} reached {sign * max(values):g}; the policy stops at {threshold:g}"


def _values(integrated: Sequence[Mapping[str, Any]], metric: str, policy: Mapping[str, Any]) -> list[float]:
    """The metric of each integrated variant, turned so that larger is better; missing ones are left out."""
    sign = -1.0 if policy.get("direction") == "minimize" else 1.0
    values = (metrics.get(metric) for metrics in integrated)
    return [sign * value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


_POLICIES = {
    "never_terminate": _never,
    "max_variants": _max_variants,
    "max_wall_time": _max_wall_time,
    "convergence_window": _convergence_window,
    "target_condition": _target_condition,
}


@dataclass(frozen=True)
class CommitFacts:
    """What git says about a submitted commit."""

    is_there: bool
    descends: bool
    changes_something: bool


def verdict(status: str, commit: CommitFacts | None) -> RejectReason | None:
    """None to accept a submission, else the reason to reject it; `commit` only for a successful execution."""
    if status != "success":
        return "worker_error"
    if commit is not None and not (commit.is_there and commit.descends and commit.changes_something):
        return "validation_error"
    return None
