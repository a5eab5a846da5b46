"""The policy of the queue, what experiments and operators may have, and what experiments used."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_policy",
        sa.Column("policy_id", sa.Integer(), autoincrement=False, nullable=False, comment="1: there is one"),
        sa.Column("ageing_seconds", sa.Float(), nullable=False),
        sa.Column("may_preempt", sa.Boolean(), nullable=False),
        sa.Column("half_life_seconds", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.CheckConstraint("policy_id = 1", name=op.f("ck_queue_policy_one")),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_queue_policy")),
    )
    op.create_table(
        "queue_shares",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "who", sa.String(), nullable=False, comment="an experiment, or an operator's worker in the deployment"
        ),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("gpus", sa.Float()),
        sa.Column("cpus", sa.Integer()),
        sa.Column("jobs", sa.Integer()),
        sa.CheckConstraint("kind IN ('experiment', 'operator')", name=op.f("ck_queue_shares_kind")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_queue_shares_weight")),
        sa.PrimaryKeyConstraint("kind", "who", name=op.f("pk_queue_shares")),
    )
    op.create_table(
        "queue_usage",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False, comment="hours since 1970"),
        sa.Column("seconds", sa.Float(), nullable=False, comment="GPU seconds, CPU seconds where it used no GPU"),
        sa.PrimaryKeyConstraint("experiment_id", "hour", name=op.f("pk_queue_usage")),
    )


def downgrade() -> None:
    for table in ("queue_usage", "queue_shares", "queue_policy"):
        op.drop_table(table)
