"""What an experiment config may look like, key by key (protocol §15 and our own keys)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from control_plane.registry.rules import objective
from store_client.wire.durations import parse_duration
from store_client.wire.experiments import ChangeAutomation, Direction, Mode, Objective
from store_client.wire.jobs import Resources, RetryPolicy
from store_client.wire.record import Body, OpenBody
from store_client.wire.scalars import NonEmpty, Number, Slug, Text, fault_of_name, normal_name

RESERVED_METRICS = frozenset(
    {
        "variant_id", "commit_sha", "parent_commits", "branch", "status", "artifacts_uri", "executor_artifacts_uri",
        "description", "timestamp", "started_at", "completed_at",
    }
)  # fmt: skip
POLICY_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "maintain_pending": (),
    "fixed_total": ("total",),
    "never_terminate": (),
    "max_variants": ("target",),
    "max_wall_time": ("duration",),
    "convergence_window": ("metric", "window"),
    "target_condition": ("metric", "threshold"),
}
"""The arguments that each kind of policy cannot do without."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Seconds = Annotated[Number, Field(gt=0, le=10 * 365 * 86_400)]
Metric = Literal["integer", "real", "text"]
TaskKind = Literal["ideation", "execution", "evaluation"]


class _Policy(OpenBody):
    @model_validator(mode="after")
    def _has_its_arguments(self) -> "_Policy":
        kind = getattr(self, "kind", "")
        missing = [name for name in POLICY_ARGUMENTS[kind] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"the kind {kind} needs {' and '.join(missing)}")
        return self


class IdeationPolicy(_Policy):
    kind: Literal["maintain_pending", "fixed_total"]
    target: Whole | None = Field(default=None, ge=1)
    max_total: Whole | None = Field(default=None, ge=0)
    total: Whole | None = Field(default=None, ge=1)

    nulls = frozenset({"max_total"})


class TerminationPolicy(_Policy):
    kind: Literal["never_terminate", "max_variants", "max_wall_time", "convergence_window", "target_condition"]
    target: Whole | None = Field(default=None, ge=1)
    duration: NonEmpty | None = None
    metric: NonEmpty | None = None
    window: Whole | None = Field(default=None, ge=1)
    threshold: Number | None = None
    direction: Direction | None = None

    @field_validator("duration")
    @classmethod
    def _is_a_duration(cls, value: str | None) -> str | None:
        if value is not None:
            parse_duration(value)
        return value


class Baseline(OpenBody):
    enabled: bool = True
    metrics: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _measures_only_what_is_made(self) -> "Baseline":
        if not self.enabled and self.metrics is not None:
            raise ValueError("metrics are given but enabled is false; drop one of the two")
        return self


class AutoCheckpoint(Body):
    enabled: bool = False
    interval_seconds: Seconds = 3600
    retention_count: Whole = Field(default=6, ge=1)
    on_terminate: bool = True


class RoleResources(Resources):
    """What one kind of task's jobs need and how long they may take."""

    timeout_seconds: Number | None = Field(default=None, gt=0, le=30 * 86_400)
    priority: Whole | None = Field(default=None, ge=0, le=10)
    retry: RetryPolicy | None = None


class PerKind(Body):
    ideation: Seconds | None = None
    execution: Seconds | None = None
    evaluation: Seconds | None = None


class ResourcesPerKind(Body):
    ideation: RoleResources | None = None
    execution: RoleResources | None = None
    evaluation: RoleResources | None = None
    training: RoleResources | None = None


class Config(OpenBody):
    """An experiment config; keys that are not ours are kept."""

    parallel_variants: Whole = Field(ge=1)
    evaluation_schema: dict[str, Metric] = Field(min_length=1)
    objective: Objective
    dispatch_mode: dict[str, Mode] = Field(default_factory=dict)
    ideation_policy: IdeationPolicy = IdeationPolicy(kind="maintain_pending", target=3)
    termination_policy: TerminationPolicy | None = None
    baseline: Baseline = Baseline()
    auto_checkpoint: AutoCheckpoint | None = None
    max_quiescent_iterations: Whole = Field(default=3, ge=2)
    ideation_task_deadline: Seconds = 120
    execution_task_deadline: Seconds = 600
    evaluation_task_deadline: Seconds = 300
    name: Text | None = None
    slug: Slug | None = None
    kind: NonEmpty | None = Field(default=None, max_length=60)
    description: Text | None = None
    hypothesis: Text | None = None
    ideation_command: NonEmpty | None = None
    execution_command: NonEmpty | None = None
    evaluation_command: NonEmpty | None = None
    training_command: NonEmpty | Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    resources: ResourcesPerKind = ResourcesPerKind()
    automation: ChangeAutomation = ChangeAutomation()
    claim_seconds: PerKind = PerKind()

    @field_validator("evaluation_schema")
    @classmethod
    def _metrics_have_legal_names(cls, schema: dict[str, str]) -> dict[str, str]:
        for name in schema:
            if name in RESERVED_METRICS:
                raise ValueError(f"{name} is reserved; call the metric something else")
            if not (name.isascii() and name.isidentifier()):
                raise ValueError(f"{name[:60]!r} is no metric name: letters, digits and _, not starting with a digit")
        return schema

    @field_validator("name")
    @classmethod
    def _name_is_well_formed(cls, name: str | None) -> str | None:
        fault = None if name is None else fault_of_name(normal_name(name))
        if fault:
            raise ValueError(fault)
        return name

    @model_validator(mode="after")
    def _keys_agree(self) -> "Config":
        objective.check(self.objective.expr, self.evaluation_schema)
        if self.dispatch_mode.get("termination") == "auto" and self.termination_policy is None:
            raise ValueError("dispatch_mode.termination is auto, but there is no termination_policy to decide by")
        fault = fault_of_metrics(self.baseline.metrics or {}, self.evaluation_schema)
        if fault:
            raise ValueError(f"baseline.metrics.{fault}")
        return self


def fault_of_metrics(metrics: Mapping[str, Any], schema: Mapping[str, str]) -> str | None:
    """The first metric that the schema does not know or whose value has another type (protocol §1.7), or None."""
    for name, value in metrics.items():
        if name not in schema:
            return f"{name} is not in the evaluation_schema"
        if value is not None and not _fits(value, schema[name]):
            return f"{name} must be {schema[name]}, not {value!r:.60}"
    return None


def _fits(value: Any, declared: str) -> bool:
    if declared == "text":
        return isinstance(value, str)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (declared == "real" or value == int(value))
