"""Configs that change while every version is kept, and experiments that lists leave out."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "config_versions",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="the config as it was written"),
        sa.Column("keys", sa.JSON(), nullable=False, comment="what this version changed"),
        sa.Column("changed_at", sa.String(), nullable=False),
        sa.Column(
            "changed_by", sa.String(), nullable=True, comment="the worker; absent for what the experiment began with"
        ),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.experiment_id"], name=op.f("fk_config_versions_experiment_id")
        ),
        sa.PrimaryKeyConstraint("experiment_id", "number", name=op.f("pk_config_versions")),
    )
    op.add_column("experiments", sa.Column("archived_at", sa.String(), comment="since when lists leave it out"))
    op.drop_index("ix_experiments_standing", table_name="experiments")
    op.create_index(
        "ix_experiments_standing",
        "experiments",
        ["status", sa.text("created_at DESC"), sa.text("experiment_id DESC"), "archived_at"],
    )


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
