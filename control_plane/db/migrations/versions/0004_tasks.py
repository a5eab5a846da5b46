"""Tasks and submissions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _tasks()
    _tasks_indexes_1()
    _tasks_indexes_2()
    _submissions()


def downgrade() -> None:
    for table in ("submissions", "tasks"):
        op.drop_table(table)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="counts the experiment's tasks"),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "subject_id", sa.String(), nullable=True, comment="the idea of an execution, the variant of an evaluation"
        ),
        sa.Column("priority", sa.Float(), nullable=False, comment="of the idea behind it, when the task was created"),
        sa.Column("target_kind", sa.String(), nullable=True),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("submitted_by", sa.String(), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.String(), nullable=True),
        sa.Column("expires_at", sa.String(), nullable=True, comment="as the claimant wrote it"),
        sa.Column(
            "lapses_at", sa.String(), nullable=True, comment="the same moment in the fixed width that sorts as text"
        ),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('ideation', 'execution', 'evaluation')", name=op.f("ck_tasks_kind")),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'submitted', 'completed', 'failed')", name=op.f("ck_tasks_state")
        ),
        sa.PrimaryKeyConstraint("experiment_id", "task_id", name=op.f("pk_tasks")),
    )


def _tasks_indexes_1() -> None:
    op.create_index(
        "ix_tasks_claimed_by",
        "tasks",
        ["experiment_id", "claimed_by"],
        unique=False,
        sqlite_where=sa.text("claimed_by IS NOT NULL"),
        postgresql_where=sa.text("claimed_by IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_kind", "tasks", ["experiment_id", "kind", sa.literal_column("priority DESC"), "number"], unique=False
    )
    op.create_index(
        "ix_tasks_kind_state",
        "tasks",
        ["experiment_id", "kind", "state", sa.literal_column("priority DESC"), "number"],
        unique=False,
    )
    op.create_index(
        "ix_tasks_lapses_at",
        "tasks",
        ["lapses_at"],
        unique=False,
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "ix_tasks_priority", "tasks", ["experiment_id", sa.literal_column("priority DESC"), "number"], unique=False
    )


def _tasks_indexes_2() -> None:
    op.create_index(
        "ix_tasks_state",
        "tasks",
        ["experiment_id", "state", sa.literal_column("priority DESC"), "number"],
        unique=False,
    )
    op.create_index("ix_tasks_subject", "tasks", ["experiment_id", "kind", "subject_id"], unique=False)
    op.create_index(
        "ix_tasks_submitted",
        "tasks",
        ["experiment_id", "state", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_index(
        "uq_tasks_live",
        "tasks",
        ["experiment_id", "kind", "subject_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'claimed', 'submitted')"),
        postgresql_where=sa.text("state IN ('pending', 'claimed', 'submitted')"),
    )
    op.create_index("uq_tasks_number", "tasks", ["experiment_id", "number"], unique=True)


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("artifacts_uri", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id", "task_id"], ["tasks.experiment_id", "tasks.task_id"], name="fk_submissions"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "task_id", name=op.f("pk_submissions")),
    )
    op.create_index(
        "ix_submissions_uri",
        "submissions",
        ["experiment_id", "artifacts_uri"],
        unique=False,
        sqlite_where=sa.text("artifacts_uri IS NOT NULL"),
        postgresql_where=sa.text("artifacts_uri IS NOT NULL"),
    )
