"""The control plane's registry of experiments, and leases on them; every experiment that is there gets its entry."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _registrations()
    _leases()
    op.execute(
        "INSERT INTO registrations (experiment_id, name, config_uri, created_at, last_known_state, failures) "
        "SELECT experiment_id, name, 'switchyard:/api/experiments/' || experiment_id, created_at, 'running', 0 "
        "FROM experiments"
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("registrations")


def _registrations() -> None:
    here = "registered here; it need not be hosted here, or yet"
    op.create_table(
        "registrations",
        sa.Column("experiment_id", sa.String(), nullable=False, comment=here),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("config_uri", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("last_known_state", sa.String(), nullable=False, comment="of one that is hosted elsewhere"),
        sa.Column("polled_at", sa.String(), nullable=True, comment="when the place that hosts it was asked last"),
        sa.Column("synced_at", sa.String(), nullable=True, comment="when it answered last"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="how often in a row it has not answered"),
        sa.CheckConstraint(
            "last_known_state IN ('running', 'terminated')", name=op.f("ck_registrations_last_known_state")
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_registrations")),
    )
    op.create_index("ix_registrations_name", "registrations", ["name"], unique=False)
    op.create_index("ix_registrations_created_at", "registrations", ["created_at", "experiment_id"], unique=False)


def _leases() -> None:
    one = "one row each, for good: the epoch must never go back"
    op.create_table(
        "leases",
        sa.Column("experiment_id", sa.String(), nullable=False, comment=one),
        sa.Column("lease_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False, comment="counts the experiment's leases"),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("holder_instance", sa.String(), nullable=False),
        sa.Column("acquired_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("renewed_at", sa.String(), nullable=False),
        sa.Column("released_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_leases")),
        sa.UniqueConstraint("lease_id", name=op.f("uq_leases_lease_id")),
    )
    op.create_index("ix_leases_holder", "leases", ["holder", "holder_instance"], unique=False)
