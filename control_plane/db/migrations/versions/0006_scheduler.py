"""Jobs, attempts and holds."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _jobs()
    _jobs_indexes_1()
    _jobs_indexes_2()
    _attempts()
    _holds()


def downgrade() -> None:
    for table in ("holds", "attempts", "jobs"):
        op.drop_table(table)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "resources", sa.JSON(), nullable=False, comment="of the spec, which may be large and is read only to run it"
        ),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column("base_commit_sha", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.String(), nullable=True, comment="the claim of the task that the job works under"),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("queued_at", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=True),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True, comment="collected files, kept output and published commit"),
        sa.CheckConstraint(
            "state IN ('queued', 'starting', 'running', "
            "'cancelling', 'succeeded', 'failed', 'cancelled', 'timed_out', 'out_of_memory', 'preempted', 'lost')",
            name=op.f("ck_jobs_state"),
        ),
        sa.CheckConstraint("priority BETWEEN 0 AND 10", name=op.f("ck_jobs_priority")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("number", name=op.f("uq_jobs_number")),
    )


def _jobs_indexes_1() -> None:
    op.create_index("ix_jobs_experiment", "jobs", ["experiment_id", "number"], unique=False)
    op.create_index(
        "ix_jobs_open_number",
        "jobs",
        ["number"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'starting', 'running', 'cancelling')"),
        postgresql_where=sa.text("state IN ('queued', 'starting', 'running', 'cancelling')"),
    )
    op.create_index(
        "ix_jobs_placed",
        "jobs",
        ["number"],
        unique=False,
        sqlite_where=sa.text("state IN ('starting', 'running', 'cancelling')"),
        postgresql_where=sa.text("state IN ('starting', 'running', 'cancelling')"),
    )
    op.create_index("ix_jobs_task", "jobs", ["task_id", "number"], unique=False)
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        [sa.literal_column("priority DESC"), "number"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )


def _jobs_indexes_2() -> None:
    op.create_index(
        "uq_jobs_key",
        "jobs",
        ["experiment_id", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=True),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_attempts_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_attempts")),
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("slot_id", sa.String(), nullable=False, comment="one live holder per slot, by this key"),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("held_since", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_holds_job_id")),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_holds")),
        sa.UniqueConstraint("job_id", "attempt", "slot_id", name="uq_holds_attempt"),
    )
