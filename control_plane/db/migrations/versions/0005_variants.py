"""Variants."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _variants()
    _variants_indexes_1()
    _variants_indexes_2()
    _variants_indexes_3()


def downgrade() -> None:
    for table in ("variants",):
        op.drop_table(table)


def _variants() -> None:
    op.create_table(
        "variants",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("variant_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("idea_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("parent_commits", sa.JSON(), nullable=False),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("commit_sha", sa.String(), nullable=True),
        sa.Column("variant_commit_sha", sa.String(), nullable=True),
        sa.Column("artifacts_uri", sa.Text(), nullable=True),
        sa.Column("executor_artifacts_uri", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("evaluation", sa.JSON(none_as_null=True), nullable=True),
        sa.Column(
            "objective_value",
            sa.Float(),
            nullable=True,
            comment="of the objective's expression, once the variant succeeded",
        ),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("completed_at", sa.String(), nullable=True),
        sa.Column("executed_by", sa.String(), nullable=True),
        sa.Column("evaluated_by", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("evaluation_attempts", sa.Integer(), nullable=False, comment="evaluation tasks that have ended"),
        sa.Column("integration_number", sa.BigInteger(), nullable=True, comment="counts the experiment's integrations"),
        sa.CheckConstraint("kind IS NULL OR kind = 'baseline'", name=op.f("ck_variants_kind")),
        sa.CheckConstraint(
            "status IN ('starting', 'success', 'error', 'evaluation_error')", name=op.f("ck_variants_status")
        ),
        sa.PrimaryKeyConstraint("experiment_id", "variant_id", name=op.f("pk_variants")),
    )


def _variants_indexes_1() -> None:
    op.create_index("ix_variants_commit_sha", "variants", ["experiment_id", "commit_sha"], unique=False)
    op.create_index(
        "ix_variants_executor_uri",
        "variants",
        ["experiment_id", "executor_artifacts_uri"],
        unique=False,
        sqlite_where=sa.text("executor_artifacts_uri IS NOT NULL"),
        postgresql_where=sa.text("executor_artifacts_uri IS NOT NULL"),
    )
    op.create_index(
        "ix_variants_highest",
        "variants",
        ["experiment_id", sa.literal_column("objective_value DESC"), "number"],
        unique=False,
        sqlite_where=sa.text("objective_value IS NOT NULL"),
        postgresql_where=sa.text("objective_value IS NOT NULL"),
    )
    op.create_index("ix_variants_idea", "variants", ["experiment_id", "idea_id"], unique=False)
    op.create_index(
        "ix_variants_integrable",
        "variants",
        ["experiment_id", "status", "variant_commit_sha", "number"],
        unique=False,
        sqlite_where=sa.text("status = 'success' AND variant_commit_sha IS NULL AND kind IS NULL"),
        postgresql_where=sa.text("status = 'success' AND variant_commit_sha IS NULL AND kind IS NULL"),
    )


def _variants_indexes_2() -> None:
    op.create_index(
        "ix_variants_lowest",
        "variants",
        ["experiment_id", "objective_value", "number"],
        unique=False,
        sqlite_where=sa.text("objective_value IS NOT NULL"),
        postgresql_where=sa.text("objective_value IS NOT NULL"),
    )
    op.create_index("ix_variants_status", "variants", ["experiment_id", "status", "number"], unique=False)
    op.create_index(
        "ix_variants_uri",
        "variants",
        ["experiment_id", "artifacts_uri"],
        unique=False,
        sqlite_where=sa.text("artifacts_uri IS NOT NULL"),
        postgresql_where=sa.text("artifacts_uri IS NOT NULL"),
    )
    op.create_index("ix_variants_variant_commit", "variants", ["experiment_id", "variant_commit_sha"], unique=False)
    op.create_index(
        "uq_variants_baseline",
        "variants",
        ["experiment_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'baseline'"),
        postgresql_where=sa.text("kind = 'baseline'"),
    )


def _variants_indexes_3() -> None:
    op.create_index("uq_variants_branch", "variants", ["experiment_id", "branch"], unique=True)
    op.create_index(
        "uq_variants_integration",
        "variants",
        ["experiment_id", "integration_number"],
        unique=True,
        sqlite_where=sa.text("integration_number IS NOT NULL"),
        postgresql_where=sa.text("integration_number IS NOT NULL"),
    )
    op.create_index("uq_variants_number", "variants", ["experiment_id", "number"], unique=True)
