"""The act on many jobs that cancelled a job."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

IN_AN_ACT = sa.text("act_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("act_id", sa.String(), comment="the act on many jobs that cancelled it"))
    op.create_index("ix_jobs_act", "jobs", ["act_id", "number"], sqlite_where=IN_AN_ACT, postgresql_where=IN_AN_ACT)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
