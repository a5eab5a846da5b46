"""Acts on many tasks, and what became of each."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

IS_UNDER_WAY = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "bulk_acts",
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("target_id", sa.String(), comment="who is to have the tasks; none: anybody"),
        sa.Column("reason", sa.Text()),
        sa.Column("acted_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String()),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False, comment="how many it has come to, in their order"),
        sa.Column("refused", sa.Integer(), nullable=False, comment="how many of those could not be acted on"),
        sa.Column("undoes", sa.String(), comment="the act that this one takes back"),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_bulk_acts")),
    )
    op.create_index("ix_bulk_acts_experiment", "bulk_acts", ["experiment_id", "act_id"])
    op.create_index(
        "ix_bulk_acts_under_way",
        "bulk_acts",
        ["created_at", "act_id"],
        sqlite_where=IS_UNDER_WAY,
        postgresql_where=IS_UNDER_WAY,
    )
    op.create_index("uq_bulk_acts_undoes", "bulk_acts", ["undoes"], unique=True)
    op.create_table(
        "bulk_items",
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), comment="why it was refused"),
        sa.Column("gives", sa.String(), comment="whom it gives the task to; none: anybody"),
        sa.Column("had", sa.String(), comment="whom the task was for before"),
        sa.PrimaryKeyConstraint("act_id", "place", name=op.f("pk_bulk_items")),
    )
    op.create_index("ix_bulk_items_outcome", "bulk_items", ["act_id", "outcome", "place"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
