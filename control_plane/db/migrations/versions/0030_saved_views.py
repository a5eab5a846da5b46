"""Views of lists that people keep."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("view_id", sa.String(), nullable=False),
        sa.Column("operator_id", sa.String(), nullable=False, comment="whose view it is"),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "query", sa.Text(), nullable=False, comment="what stands after the question mark of the list's address"
        ),
        sa.Column("is_default", sa.Boolean(), nullable=False, comment="of a list of somebody at most one"),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", name=op.f("pk_saved_views")),
    )
    op.create_index("uq_saved_views_name", "saved_views", ["operator_id", "list", "name"], unique=True)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
