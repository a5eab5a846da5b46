"""Credentials that end with their session, and those of viewers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    session = sa.Column("session_digest", sa.String(), nullable=True, comment="the session that it ends with")
    read_only: sa.Column[bool] = sa.Column(
        "is_read_only",
        sa.Boolean(),
        server_default=sa.false(),
        nullable=False,
        comment="a viewer's: it changes nothing",
    )
    op.add_column("credentials", session)
    op.add_column("credentials", read_only)
    op.create_index("ix_credentials_session_digest", "credentials", ["session_digest"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_credentials_session_digest", table_name="credentials")
    op.drop_column("credentials", "is_read_only")
    op.drop_column("credentials", "session_digest")
