"""Artifacts and ideas."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _artifacts()
    _ideas()


def downgrade() -> None:
    for table in ("ideas", "artifacts"):
        op.drop_table(table)


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("artifact_id", sa.String(), nullable=False, comment="32 hexadecimal digits, unguessable"),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False, comment="names the file that holds the bytes"),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifacts")),
    )
    op.create_index("ix_artifacts_experiment", "artifacts", ["experiment_id", "artifact_id"], unique=False)
    op.create_index("ix_artifacts_sha256", "artifacts", ["sha256"], unique=False)


def _ideas() -> None:
    op.create_table(
        "ideas",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("idea_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("parent_commits", sa.JSON(), nullable=False),
        sa.Column("artifacts_uri", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("intended_executor", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("intended_evaluator", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('drafting', 'ready', 'dispatched', 'completed')", name=op.f("ck_ideas_state")),
        sa.PrimaryKeyConstraint("experiment_id", "idea_id", name=op.f("pk_ideas")),
    )
    op.create_index("ix_ideas_slug", "ideas", ["experiment_id", "slug"], unique=False)
    op.create_index(
        "ix_ideas_state",
        "ideas",
        ["experiment_id", "state", sa.literal_column("priority DESC"), "number"],
        unique=False,
    )
    op.create_index("ix_ideas_state_number", "ideas", ["experiment_id", "state", "number"], unique=False)
    op.create_index("ix_ideas_uri", "ideas", ["experiment_id", "artifacts_uri"], unique=False)
    op.create_index("uq_ideas_number", "ideas", ["experiment_id", "number"], unique=True)
