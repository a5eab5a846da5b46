"""What the scheduler sees of slots, what GPUs read over time, and which of them are kept back."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _views()
    _states()
    _samples()


def downgrade() -> None:
    for table in ("gpu_samples", "gpu_states", "node_views"):
        op.drop_table(table)


def _views() -> None:
    op.create_table(
        "node_views",
        sa.Column("node", sa.String(), nullable=False, comment='a machine; "" is the one that the scheduler runs on'),
        sa.Column("seen_at", sa.String(), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False, comment="every slot there"),
        sa.Column("gpus", sa.JSON(), nullable=False, comment="the newest readings of its GPUs"),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_node_views")),
    )


def _states() -> None:
    op.create_table(
        "gpu_states",
        sa.Column("slot_id", sa.String(), nullable=False, comment="a GPU or a slice, by its UUID"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "set_by",
            sa.String(),
            nullable=False,
            comment="who keeps it back; scheduler: it gives it out again by itself",
        ),
        sa.Column("since", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('quarantined', 'draining')", name=op.f("ck_gpu_states_state")),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_gpu_states")),
    )


def _samples() -> None:
    op.create_table(
        "gpu_samples",
        sa.Column("slot_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False, comment="the end of the time it stands for"),
        sa.Column("utilisation_percent", sa.Float(), comment="on average"),
        sa.Column("memory_used_bytes", sa.BigInteger(), comment="at most"),
        sa.Column("temperature_celsius", sa.Integer(), comment="at most"),
        sa.Column("power_watts", sa.Float(), comment="on average"),
        sa.Column("jobs", sa.JSON(), nullable=False, comment="numbers of the jobs on it"),
        sa.PrimaryKeyConstraint("slot_id", "at", name=op.f("pk_gpu_samples")),
    )
    op.create_index("ix_gpu_samples_at", "gpu_samples", ["at"])
