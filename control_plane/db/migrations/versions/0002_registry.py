"""Operators, sessions and the deployment's own identities."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _reserved_groups()
    _operators()
    _services()
    _sessions()
    _sign_in_codes()


def downgrade() -> None:
    for table in ("sign_in_codes", "sessions", "services", "operators", "reserved_groups"):
        op.drop_table(table)


def _reserved_groups() -> None:
    op.create_table(
        "reserved_groups",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="taken once, and for good: deletion does not free it"),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_reserved_groups")),
    )


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'administrator')", name=op.f("ck_operators_role")),
        sa.ForeignKeyConstraint(["operator_id"], ["workers.worker_id"], name=op.f("fk_operators_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
    )


def _services() -> None:
    op.create_table(
        "services",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.worker_id"], name=op.f("fk_services_worker_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_services")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(), nullable=False, comment="keyed hash of the session's secret"),
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.operator_id"], name=op.f("fk_sessions_operator_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)


def _sign_in_codes() -> None:
    op.create_table(
        "sign_in_codes",
        sa.Column("digest", sa.String(), nullable=False, comment="keyed hash of the code"),
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.operator_id"], name=op.f("fk_sign_in_codes_operator_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_codes")),
    )
    op.create_index("ix_sign_in_codes_expires_at", "sign_in_codes", ["expires_at"], unique=False)
