"""A glance at an experiment: whether a look at it could lead to a decision. Deciding reads everything anew."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from control_plane.orchestrator import decisions, rules
from control_plane.orchestrator.memory import Memory
from control_plane.orchestrator.ports import Outlook
from store_client.wire.experiments import DispatchMode, Status


@dataclass(frozen=True)
class Glance:
    """What one snapshot shows of an experiment."""

    row: RowMapping
    outlook: Outlook | None
    """None for an experiment that is looked at anyway."""
    now: str


def has_work(glance: Glance, memory: Memory) -> bool:
    """Whether there may be something to decide; also when a policy fails, which the look reports."""
    try:
        return not memory.is_settled or glance.outlook is None or _has_work(glance, glance.outlook, memory)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return True


def _has_work(glance: Glance, outlook: Outlook, memory: Memory) -> bool:
    row = glance.row
    mode = DispatchMode.model_validate(row["dispatch_mode"])
    if outlook.has_submitted:
        return True
    if mode.integration == "auto" and (outlook.has_integrable or not memory.is_swept):
        return True
    if Status(row["status"]) is not Status.RUNNING:
        return False
    if decisions.lacks_baseline(row["base_commit_sha"], row["config"], memory):
        return True
    policy = row["config"].get("termination_policy") if mode.termination == "auto" else None
    return _may_end(policy, glance, outlook, memory) or _may_begin(policy, mode, row["config"], outlook)


def _may_end(policy: dict[str, Any] | None, glance: Glance, outlook: Outlook, memory: Memory) -> bool:
    """Decision 0."""
    if policy is None:
        return False
    if memory.fault is not None:
        return True
    if policy["kind"] in decisions.OF_METRICS:
        return memory.judged != (policy, outlook.integrated)
    view = rules.View(glance.row["created_at"], glance.now, outlook.attempted, outlook.in_flight, ())
    return rules.termination(policy, view) is not None


def _may_begin(policy: dict[str, Any] | None, mode: DispatchMode, config: dict[str, Any], outlook: Outlook) -> bool:
    """Decisions 1 to 3."""
    if mode.evaluation_dispatch == "auto" and outlook.has_evaluable:
        return True
    if mode.ideation_creation == "auto":
        made = outlook.ideations
        if rules.ideation_shortfall(config.get("ideation_policy"), made.pending, made.total):
            return True
    if mode.execution_dispatch != "auto" or not outlook.has_ready_idea:
        return False
    left = rules.variants_left(policy, outlook.attempted, outlook.executing)
    return rules.execution_room(int(config["parallel_variants"]), outlook.in_flight, left) > 0
