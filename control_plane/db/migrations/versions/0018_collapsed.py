"""A list of jobs with one of each array, by index."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STANDS_FOR_ITS_ARRAY = sa.text("(array_index IS NULL OR array_index = 0)")


def upgrade() -> None:
    where = STANDS_FOR_ITS_ARRAY
    for name, columns in (
        ("ix_jobs_collapsed", ["number"]),
        ("ix_jobs_experiment_collapsed", ["experiment_id", "number"]),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
