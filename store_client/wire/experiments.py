"""Experiments: the runtime object of the protocol and the umbrella record of our own `/api`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, StringConstraints

from store_client.wire.record import Body, OpenBody, Record
from store_client.wire.scalars import Commit, ExperimentId, NonEmpty, Number, Slug, Text, Timestamp, WorkerId

Mode = Literal["auto", "manual"]
Automation = Literal["automatic", "manual"]
Role = Literal["ideator", "executor", "evaluator"]
Direction = Literal["maximize", "minimize"]
ROLES: tuple[Role, ...] = ("ideator", "executor", "evaluator")
COMMAND_KEYS: Mapping[Role, str] = {
    "ideator": "ideation_command",
    "executor": "execution_command",
    "evaluator": "evaluation_command",
}
"""Where a config holds the command of each role."""


class Status(StrEnum):
    """Where an experiment is in its life; the protocol sees only running and terminated."""

    DRAFT = "draft"  # an operator starts it
    RUNNING = "running"  # an operator pauses or ends it; a policy ends it
    PAUSED = "paused"  # an operator resumes or ends it
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}

    @property
    def state(self) -> Literal["running", "terminated"]:
        """The protocol's reading of this status."""
        return "terminated" if self.is_final else "running"


class ImportedFrom(Record):
    checkpoint_exported_at: Timestamp
    checkpoint_format_version: NonEmpty
    source_experiment_id: ExperimentId


class Experiment(Record):
    """The protocol's runtime object (§3.1)."""

    experiment_id: ExperimentId
    name: str | None = None
    state: Literal["running", "terminated"]
    created_at: Timestamp
    base_commit_sha: Commit | None = None
    imported_from: ImportedFrom | None = None

    nulls: ClassVar[frozenset[str]] = frozenset({"imported_from"})


class ExperimentState(Record):
    state: Literal["running", "terminated"]


class DispatchMode(OpenBody):
    """Who takes each of the orchestrator's five decisions."""

    termination: Mode = "manual"
    ideation_creation: Mode = "auto"
    execution_dispatch: Mode = "auto"
    evaluation_dispatch: Mode = "auto"
    integration: Mode = "auto"


DISPATCH_KEYS = ("termination", "ideation_creation", "execution_dispatch", "evaluation_dispatch", "integration")


class ChangeDispatchMode(OpenBody):
    """A partial dispatch mode: the keys that are present change."""

    termination: Mode | None = None
    ideation_creation: Mode | None = None
    execution_dispatch: Mode | None = None
    evaluation_dispatch: Mode | None = None
    integration: Mode | None = None


class Terminate(Body):
    reason: Text


class PolicyError(Body):
    policy_kind: NonEmpty
    error_type: NonEmpty
    error_message: Text


class AutomationMode(Record):
    """For each role: done by automatic workers, or by hand."""

    ideator: Automation = "manual"
    executor: Automation = "manual"
    evaluator: Automation = "manual"


class ChangeAutomation(Body):
    ideator: Automation | None = None
    executor: Automation | None = None
    evaluator: Automation | None = None


class Objective(Record):
    expr: NonEmpty
    direction: Direction


class Counts(Record):
    """Maintained totals of one experiment; reading them costs one row each."""

    ideas: int = 0
    variants: int = 0
    evaluated: int = 0
    integrated: int = 0
    failed: int = 0
    starting: int = 0
    tasks: dict[str, int] = Field(default_factory=dict, description="open tasks by '<kind>.<state>'")


class ExperimentSummary(Record):
    """One experiment as lists show it."""

    experiment_id: ExperimentId
    slug: Slug
    name: str
    status: Status
    objective: Objective
    metric: str | None = Field(default=None, description="the metric, when the objective is just one")
    baseline: float | None = Field(default=None, description="objective value of the baseline")
    best: float | None = Field(default=None, description="best objective value so far")
    best_variant_id: str | None = None
    counts: Counts
    automation: AutomationMode
    created_at: Timestamp
    updated_at: Timestamp
    archived_at: Timestamp | None = Field(default=None, description="since when lists leave it out")
    tags: tuple[str, ...] = Field(default=(), description="words that it is found by")

    nulls: ClassVar[frozenset[str]] = frozenset({"baseline", "best", "best_variant_id", "metric"})


class ExperimentDetail(ExperimentSummary):
    """One experiment whole: what its own pages, workers and commands need."""

    description: str | None = None
    hypothesis: str | None = None
    kind: str | None = None
    base_commit_sha: Commit | None = None
    config: dict[str, JsonValue]
    dispatch_mode: DispatchMode
    parallel_variants: int
    evaluation_schema: dict[str, str]
    commands: dict[str, str] = Field(description="shell command by role; empty when the experiment has none for it")
    git_url: str | None = None
    ended_at: Timestamp | None = None
    end_reason: str | None = None


class Step(Record):
    """A score that was better than everything scored before it."""

    number: int = Field(description="of the variant")
    value: Number


class LeaseGlance(Record):
    """Who orchestrates an experiment, as far as lists show it."""

    holder: WorkerId
    holder_name: str | None = None
    expires_at: Timestamp


class ExperimentLine(ExperimentSummary):
    """One experiment in a page of a list, with the course of its best."""

    best_label: str | None = Field(default=None, description="what the best variant is called")
    steps: tuple[Step, ...] = Field(default=(), description="how the best came to be, thinned out when it is long")
    last_event_at: Timestamp | None = Field(default=None, description="when something happened last")
    lease: LeaseGlance | None = Field(default=None, description="who decides in it now, if that was asked for")


class ExperimentPage(Record):
    """Experiments that are under way first, then paused ones, drafts, and those that have ended; the newest first."""

    items: tuple[ExperimentLine, ...]
    next: str | None = None
    total: int | None = Field(default=None, description="how many the filters admit; absent for more than 10,000")
    by_status: dict[str, int] = Field(default_factory=dict, description="how many there are in all")
    needing: int = Field(default=0, description="how many wait for the caller")
    waiting: tuple[ExperimentLine, ...] = Field(default=(), description="the first of those, if they were asked for")


class CreateExperiment(Body):
    """A new experiment from a directory on the server's machine, a source or another experiment, or a config alone."""

    name: Text | None = None
    slug: Slug | None = None
    directory: NonEmpty | None = Field(default=None, description="absolute path readable by the server; admin only")
    source_id: NonEmpty | None = Field(default=None, description="files that were laid out on the server")
    clone_of: ExperimentId | None = Field(default=None, description="begin with its config and its first commit")
    config: dict[str, JsonValue] | None = Field(default=None, description="the config; default: the directory's own")
    automation: ChangeAutomation | None = None
    is_draft: bool = False
    experiment_id: ExperimentId | None = Field(default=None, description="registered before and not made yet")


Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\s\x00-\x1f\x7f]+$", strip_whitespace=True)
]


class ChangeExperiment(Body):
    """What is told of an experiment; what is left out stays, and an empty text takes away."""

    slug: Text | None = Field(default=None, description="its own, or it is refused: addresses stay")
    tags: tuple[Tag, ...] | None = Field(default=None, max_length=20)
    name: Text | None = None
    description: Text | None = Field(default=None, max_length=20_000)
    hypothesis: Text | None = Field(default=None, max_length=20_000)


class EndExperiment(Body):
    outcome: Literal["completed", "failed", "cancelled"] = "completed"
    reason: Text = ""


class ProgressPoint(Record):
    """One variant on the progress plot."""

    variant_id: str
    label: str
    status: str
    number: int = Field(description="1 for the first variant of the experiment, and so on")
    objective_value: Number | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    is_baseline: bool = False
    at: Timestamp
