"""Which acts on many jobs keep an array closed, and how many jobs of the deployment are in each state."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0039"
branch_labels = None
depends_on = None

SUMS = """
INSERT INTO tallies (experiment_id, name, total)
SELECT '', name, sum(total) FROM tallies WHERE experiment_id <> '' AND name LIKE 'jobs.%' GROUP BY name
"""


def upgrade() -> None:
    op.create_table(
        "job_array_acts",
        sa.Column("act_id", sa.String(), nullable=False, comment="an act on many jobs that cancelled the array"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="of the array's first job"),
        sa.Column("array_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["array_id"], ["job_arrays.array_id"], name=op.f("fk_job_array_acts_array_id")),
        sa.PrimaryKeyConstraint("act_id", "number", name=op.f("pk_job_array_acts")),
    )
    op.create_index("ix_job_array_acts_array", "job_array_acts", ["array_id"])
    op.execute(SUMS)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
