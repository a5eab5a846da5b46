"""What ended attempts took, by their kind: what an estimate of a start is made from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_durations",
        sa.Column("kind", sa.String(), nullable=False, comment="experiment, shape and work of alike jobs"),
        sa.Column("place", sa.Integer(), nullable=False, comment="in the ring of the kind"),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("work", sa.String(), nullable=False, comment="role, else name without numbers"),
        sa.Column("shape", sa.String(), nullable=False, comment="what it held"),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "place", name=op.f("pk_job_durations")),
    )
    op.create_index("ix_job_durations_ended", "job_durations", ["ended_at"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
