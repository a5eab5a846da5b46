"""The tables that every wing stands on."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _events()
    _experiments()
    _groups()
    _scores()
    _tallies()
    _workers()
    _credentials()
    _members()


def downgrade() -> None:
    for table in ("members", "credentials", "workers", "tallies", "scores", "groups", "experiments", "events"):
        op.drop_table(table)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            nullable=True,
            comment="counts the protocol's events of the experiment; null for our own",
        ),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_events_event_id")),
    )
    op.create_index("ix_events_position", "events", ["experiment_id", "position"], unique=False)
    op.create_index("ix_events_sequence", "events", ["experiment_id", "sequence"], unique=True)


def _experiments() -> None:
    op.create_table(
        "experiments",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("hypothesis", sa.Text(), nullable=True),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("dispatch_mode", sa.JSON(), nullable=False),
        sa.Column("automation", sa.JSON(), nullable=False),
        sa.Column("base_commit_sha", sa.String(), nullable=True),
        sa.Column("imported_from", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'running', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_experiments_status"),
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_experiments")),
        sa.UniqueConstraint("slug", name=op.f("uq_experiments_slug")),
    )


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_groups")),
    )
    op.create_index("ix_groups_name", "groups", ["scope", "name"], unique=False)
    op.create_index("ix_groups_scope", "groups", ["scope", "group_id"], unique=False)


def _scores() -> None:
    op.create_table(
        "scores",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("baseline_variant_id", sa.String(), nullable=True),
        sa.Column("baseline_value", sa.Float(), nullable=True),
        sa.Column("best_variant_id", sa.String(), nullable=True),
        sa.Column("best_value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_scores")),
    )


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "name", name=op.f("pk_tallies")),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False, comment="an experiment id, or empty for the deployment"),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("labels", sa.JSON(), nullable=True),
        sa.Column("registered_at", sa.String(), nullable=False),
        sa.Column("registered_by", sa.String(), nullable=True),
        sa.Column(
            "deployment_worker_id", sa.String(), nullable=True, comment="whose identity in the experiment this is"
        ),
        sa.Column("last_seen_at", sa.String(), nullable=True),
        sa.Column("disabled_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_name", "workers", ["scope", "name"], unique=False)
    op.create_index("ix_workers_scope", "workers", ["scope", "worker_id"], unique=False)
    op.create_index(
        "uq_workers_identity",
        "workers",
        ["scope", "deployment_worker_id"],
        unique=True,
        sqlite_where=sa.text("deployment_worker_id IS NOT NULL"),
        postgresql_where=sa.text("deployment_worker_id IS NOT NULL"),
    )


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("digest", sa.String(), nullable=False, comment="keyed hash of the secret"),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True, comment="the claim that a git password is good for"),
        sa.Column("claimed_at", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('registration', 'token', 'git')", name=op.f("ck_credentials_kind")),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.worker_id"], name=op.f("fk_credentials_worker_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_credentials")),
    )
    op.create_index("ix_credentials_expires_at", "credentials", ["expires_at"], unique=False)
    op.create_index("ix_credentials_worker_id", "credentials", ["worker_id", "kind"], unique=False)


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False, comment="a worker or group; need not exist"),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.group_id"], name=op.f("fk_members_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_members")),
    )
    op.create_index("ix_members_member_id", "members", ["member_id"], unique=False)
