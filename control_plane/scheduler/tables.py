"""Jobs, attempts and the holds on slots."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from control_plane.db.tables import metadata
from store_client.wire.jobs import JobState

ON_A_SLOT = text("state IN ('starting', 'running', 'cancelling')")
IS_QUEUED = text("state = 'queued'")
IS_OPEN = text("state IN ('queued', 'starting', 'running', 'cancelling')")

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("experiment_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("resources", JSON, nullable=False, comment="of the spec, which may be large and is read only to run it"),
    Column("spec", JSON, nullable=False),
    Column("commit_sha", String, nullable=False),
    Column("base_commit_sha", String),
    Column("role", String),
    Column("task_id", String),
    Column("claimed_at", String, comment="the claim of the task that the job works under"),
    Column("submitted_by", String, nullable=False),
    Column("idempotency_key", String),
    Column("attempt", Integer, nullable=False),
    Column("waiting_for", Text),
    Column("created_at", String, nullable=False),
    Column("queued_at", String, nullable=False),
    Column("started_at", String),
    Column("ended_at", String),
    Column("exit_code", Integer),
    Column("cause", String),
    Column("result", JSON, comment="collected files, kept output and published commit"),
    CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in JobState)})", name="state"),
    CheckConstraint("priority BETWEEN 0 AND 10", name="priority"),
    Index("ix_jobs_waiting", text("priority DESC"), "number", sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED),
    Index("ix_jobs_placed", "number", sqlite_where=ON_A_SLOT, postgresql_where=ON_A_SLOT),
    Index("ix_jobs_open_number", "number", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("ix_jobs_experiment", "experiment_id", "number"),
    Index("ix_jobs_task", "task_id", "number"),
    Index(
        "uq_jobs_key",
        "experiment_id",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("slots", JSON, nullable=False),
    Column("started_at", String),
    Column("ended_at", String),
    Column("exit_code", Integer),
    Column("cause", String),
    Column("detail", Text),
)

holds = Table(
    "holds",
    metadata,
    Column("slot_id", String, primary_key=True, comment="one live holder per slot, by this key"),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("held_since", String, nullable=False),
    UniqueConstraint("job_id", "attempt", "slot_id", name="uq_holds_attempt"),
)
