"""Stored training specs, and the jobs that run them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "training_specs",
        sa.Column("spec_id", sa.String(), nullable=False, comment="its author's own id"),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("spec_id", name=op.f("pk_training_specs")),
    )
    op.create_table(
        "trainings",
        sa.Column("training_id", sa.String(), nullable=False, comment="its author's own id"),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False, comment="what was asked for, whole"),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="of the job: the newest training of a spec has the highest"
        ),
        sa.Column("scheduled_by", sa.String(), nullable=False),
        sa.Column("scheduled_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("training_id", name=op.f("pk_trainings")),
        sa.ForeignKeyConstraint(["spec_id"], ["training_specs.spec_id"], name=op.f("fk_trainings_spec_id")),
        sa.UniqueConstraint("job_id", name=op.f("uq_trainings_job_id")),
    )
    op.create_index("ix_trainings_spec", "trainings", ["spec_id", "number"])


def downgrade() -> None:
    op.drop_table("trainings")
    op.drop_table("training_specs")
