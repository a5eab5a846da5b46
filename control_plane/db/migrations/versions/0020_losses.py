"""How many attempts of a job were lost with their machine: they use up none of its tries."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "jobs",
        sa.Column(
            "losses", sa.Integer(), nullable=False, server_default=sa.text("0"),
            comment="attempts that machines failed it",
        ),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
