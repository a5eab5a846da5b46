"""Words that an experiment is found by."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("tags", sa.String(), comment="with spaces between; null for none"))


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
