"""What attempts on other machines prove themselves with."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt_keys",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "digest", sa.String(), nullable=False, comment="keyed hash of the secret that its machine made for it"
        ),
        sa.Column("begun_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt", name=op.f("pk_attempt_keys")),
    )


def downgrade() -> None:
    op.drop_table("attempt_keys")
