"""How long workers take over tasks, counted from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paces",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "bucket", sa.Integer(), autoincrement=False, nullable=False, comment="of durations: four to a doubling"
        ),
        sa.Column("tasks", sa.BigInteger(), nullable=False, comment="that were handed in after so long"),
        sa.PrimaryKeyConstraint("experiment_id", "worker_id", "kind", "bucket", name=op.f("pk_paces")),
    )


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
