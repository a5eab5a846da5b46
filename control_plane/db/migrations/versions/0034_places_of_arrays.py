"""Where an array was moved to as one: jobs of it that are made later follow."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

COMMENT = "where it was moved to as one; jobs that are yet to be made go there"


def upgrade() -> None:
    op.add_column("job_arrays", sa.Column("rank", sa.Float(), nullable=True, comment=COMMENT))


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
