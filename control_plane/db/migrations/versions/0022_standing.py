"""The order in which lists of experiments are read: what is under way first, the newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

STANDING = "(CASE status WHEN 'running' THEN 0 WHEN 'paused' THEN 1 WHEN 'draft' THEN 2 ELSE 3 END)"


def upgrade() -> None:
    op.create_index(
        "ix_experiments_standing", "experiments",
        [sa.text(STANDING), sa.text("created_at DESC"), sa.text("experiment_id DESC")],
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
