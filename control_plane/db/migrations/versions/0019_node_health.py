"""What is held against machines and GPUs that failed what they were given."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "node_health",
        sa.Column("name", sa.String(), nullable=False, comment="node: and the name of a machine, or the id of a GPU"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row that were not the jobs' own"),
        sa.Column("since", sa.Float(), nullable=False, comment="the first of them, in seconds since 1970"),
        sa.Column("rests_until", sa.Float(), comment="null: it has not failed often enough"),
        sa.Column("rest_seconds", sa.Float(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_node_health")),
    )


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
