"""The tables of the task store; everything is keyed by experiment, and numbered in the order in which it came."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.elements import TextClause

from control_plane.db.tables import metadata

# Conditions of partial indexes; a query uses the same text, since no database proves one from a bound parameter. Such
# an index also names the columns that its condition fixes: planners prefer the index that matches most of a query.
IS_LIVE = text("state IN ('pending', 'claimed', 'submitted')")
IS_PENDING = text("state = 'pending'")
IS_CLAIMED = text("state = 'claimed'")
IS_SUBMITTED = text("state = 'submitted'")
IS_INTEGRABLE = text("status = 'success' AND variant_commit_sha IS NULL AND kind IS NULL")
IS_SCORED = text("objective_value IS NOT NULL")
IS_BASELINE = text("kind = 'baseline'")
IS_EVALUABLE = text("status = 'starting' AND commit_sha IS NOT NULL")
IS_OF_NOBODY = text("parent_number IS NULL")
LIGHT = ("title", "target_kind", "target_id")
"""What some indexes of tasks tell besides, so that those who look through many need no look at each."""


def _where(name: str, columns: tuple[str | TextClause, ...], clause: TextClause, *, unique: bool = False) -> Index:
    """A partial index on both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


def _having(name: str, column: str, *, unique: bool = False) -> Index:
    """An index of the experiment's rows that have this column."""
    return _where(name, ("experiment_id", column), text(f"{column} IS NOT NULL"), unique=unique)


tasks = Table(
    "tasks",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("task_id", String, primary_key=True),
    Column("number", BigInteger, nullable=False, comment="counts the experiment's tasks"),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("subject_id", String, comment="the idea of an execution, the variant of an evaluation"),
    Column("title", String, comment="the beginning of what its idea or variant is called; null for an ideation"),
    Column("priority", Float, nullable=False, comment="of the idea behind it, when the task was created"),
    Column("target_kind", String),
    Column("target_id", String),
    Column("created_by", String),
    Column("submitted_by", String),
    Column("claimed_by", String),
    Column("claimed_at", String),
    Column("expires_at", String, comment="as the claimant wrote it"),
    Column("lapses_at", String, comment="the same moment in the fixed width that sorts as text"),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    CheckConstraint("kind IN ('ideation', 'execution', 'evaluation')", name="kind"),
    CheckConstraint("state IN ('pending', 'claimed', 'submitted', 'completed', 'failed')", name="state"),
    Index("uq_tasks_number", "experiment_id", "number", unique=True),
    _where("uq_tasks_live", ("experiment_id", "kind", "subject_id"), IS_LIVE, unique=True),
    Index("ix_tasks_subject", "experiment_id", "kind", "subject_id"),
    Index("ix_tasks_priority", "experiment_id", text("priority DESC"), "number"),
    Index("ix_tasks_kind", "experiment_id", "kind", text("priority DESC"), "number"),
    Index("ix_tasks_state", "experiment_id", "state", text("priority DESC"), "number"),
    Index("ix_tasks_kind_state", "experiment_id", "kind", "state", text("priority DESC"), "number", *LIGHT),
    _having("ix_tasks_claimed_by", "claimed_by"),
    _where("ix_tasks_pending", ("experiment_id", "kind", "state", "number", "priority", *LIGHT), IS_PENDING),
    _where("ix_tasks_claimed", ("experiment_id", "state", "number"), IS_CLAIMED),
    _where("ix_tasks_lapses_at", ("lapses_at",), IS_CLAIMED),
    _where("ix_tasks_submitted", ("experiment_id", "state", "number"), IS_SUBMITTED),
    _where("ix_tasks_submitted_by", ("experiment_id", "submitted_by", "number"), text("submitted_by IS NOT NULL")),
    Index("ix_tasks_created", "experiment_id", "created_at", "number"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("task_id", String, primary_key=True),
    Column("payload", JSON, nullable=False),
    Column("artifacts_uri", Text),
    Column("submitted_at", String, nullable=False),
    ForeignKeyConstraint(["experiment_id", "task_id"], ["tasks.experiment_id", "tasks.task_id"], name="fk_submissions"),
    _having("ix_submissions_uri", "artifacts_uri"),
)

ideas = Table(
    "ideas",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("idea_id", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("slug", String, nullable=False),
    Column("priority", Float, nullable=False),
    Column("parent_commits", JSON, nullable=False),
    Column("artifacts_uri", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("intended_executor", JSON(none_as_null=True)),
    Column("intended_evaluator", JSON(none_as_null=True)),
    Column("created_at", String, nullable=False),
    Column("created_by", String),
    CheckConstraint("state IN ('drafting', 'ready', 'dispatched', 'completed')", name="state"),
    Index("uq_ideas_number", "experiment_id", "number", unique=True),
    Index("ix_ideas_state", "experiment_id", "state", text("priority DESC"), "number"),
    Index("ix_ideas_state_number", "experiment_id", "state", "number"),
    Index("ix_ideas_slug", "experiment_id", "slug"),
    _where("ix_ideas_created_by", ("experiment_id", "created_by", "number"), text("created_by IS NOT NULL")),
    Index("ix_ideas_uri", "experiment_id", "artifacts_uri"),
)

variants = Table(
    "variants",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("variant_id", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("kind", String),
    Column("idea_id", String),
    Column("status", String, nullable=False),
    Column("parent_commits", JSON, nullable=False),
    Column("branch", String),
    Column("commit_sha", String),
    Column("variant_commit_sha", String),
    Column("artifacts_uri", Text),
    Column("executor_artifacts_uri", Text),
    Column("description", Text),
    Column("evaluation", JSON(none_as_null=True)),
    Column("objective_value", Float, comment="of the objective's expression, once the variant succeeded"),
    Column("started_at", String, nullable=False),
    Column("completed_at", String),
    Column("executed_by", String),
    Column("evaluated_by", String),
    Column("created_by", String),
    Column("evaluation_attempts", Integer, nullable=False, default=0, comment="evaluation tasks that have ended"),
    Column("integration_number", BigInteger, comment="counts the experiment's integrations"),
    CheckConstraint("kind IS NULL OR kind = 'baseline'", name="kind"),
    CheckConstraint("status IN ('starting', 'success', 'error', 'evaluation_error')", name="status"),
    Index("uq_variants_number", "experiment_id", "number", unique=True),
    Index("uq_variants_branch", "experiment_id", "branch", unique=True),
    _where("uq_variants_baseline", ("experiment_id",), IS_BASELINE, unique=True),
    _having("uq_variants_integration", "integration_number", unique=True),
    Index("ix_variants_status", "experiment_id", "status", "number"),
    Index("ix_variants_idea", "experiment_id", "idea_id"),
    _where("ix_variants_highest", ("experiment_id", text("objective_value DESC"), "number"), IS_SCORED),
    _where("ix_variants_lowest", ("experiment_id", "objective_value", "number"), IS_SCORED),
    Index("ix_variants_commit_sha", "experiment_id", "commit_sha"),
    Index("ix_variants_variant_commit", "experiment_id", "variant_commit_sha"),
    _having("ix_variants_uri", "artifacts_uri"),
    _having("ix_variants_executor_uri", "executor_artifacts_uri"),
    _where("ix_variants_evaluable", ("experiment_id", "status", "number"), IS_EVALUABLE),
    _where("ix_variants_integrable", ("experiment_id", "status", "variant_commit_sha", "number"), IS_INTEGRABLE),
)

variant_parents = Table(
    "variant_parents",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="of the variant that was built"),
    Column("place", Integer, primary_key=True, autoincrement=False, comment="among its parents"),
    Column("commit_sha", String, nullable=False),
    Column("parent_number", BigInteger, comment="of the variant that has this commit; null while none has it"),
    _where(
        "ix_variant_parents_parent", ("experiment_id", "parent_number", "number"), text("parent_number IS NOT NULL")
    ),
    _where("ix_variant_parents_nobody", ("experiment_id", "commit_sha"), IS_OF_NOBODY),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("artifact_id", String, primary_key=True, comment="32 hexadecimal digits, unguessable"),
    Column("experiment_id", String, nullable=False),
    Column("sha256", String, nullable=False, comment="names the file that holds the bytes"),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Index("ix_artifacts_experiment", "experiment_id", "artifact_id"),
    Index("ix_artifacts_newest", "experiment_id", "created_at", "artifact_id"),
    Index("ix_artifacts_sha256", "sha256"),
)
