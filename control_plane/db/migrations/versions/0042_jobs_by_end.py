"""Ended jobs in the order in which they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

HAS_AN_END = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    for name, columns in (
        ("ix_jobs_last_ended", ["ended_at", "number"]),
        ("ix_jobs_experiment_last_ended", ["experiment_id", "ended_at", "number"]),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=HAS_AN_END, postgresql_where=HAS_AN_END)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
