"""By what lists of experiments are ordered: how they stand, and when they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_experiments_standing", "experiments",
        ["status", sa.text("created_at DESC"), sa.text("experiment_id DESC")],
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
