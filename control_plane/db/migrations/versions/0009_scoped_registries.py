"""Registries keyed by their scope, so that imported experiments keep their ids; configs as they were written."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CREDENTIALS = (
    "worker_id, kind, created_at, expires_at, task_id, claimed_at, session_digest, is_read_only"  # of both shapes
)
WORKERS = "name, labels, registered_at, registered_by, deployment_worker_id, last_seen_at, disabled_at"
KEPT = ("credentials", "members", "groups", "workers")


def upgrade() -> None:
    op.add_column("experiments", sa.Column("config_text", sa.Text(), nullable=True, comment="the config as written"))
    for table, column in (("services", "worker_id"), ("operators", "operator_id")):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")
    for table in KEPT:  # the key itself changes, which SQLite cannot do in place
        op.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - names of ours
        op.drop_table(table)
    _workers()
    _groups()
    _members()
    _credentials()
    _refill()
    for table in KEPT:
        op.drop_table(f"kept_{table}")


def downgrade() -> None:
    raise NotImplementedError("ids that two experiments share have no place in the older tables")


def _refill() -> None:
    same = f"scope, worker_id, {WORKERS}"
    op.execute(f"INSERT INTO workers ({same}) SELECT {same} FROM kept_workers")  # noqa: S608 - names of ours
    op.execute(
        "INSERT INTO groups (scope, group_id, name, created_at, created_by) "
        "SELECT scope, group_id, name, created_at, created_by FROM kept_groups"
    )
    op.execute(
        "INSERT INTO members (scope, group_id, member_id, added_at) "
        "SELECT g.scope, m.group_id, m.member_id, m.added_at "
        "FROM kept_members m JOIN kept_groups g ON g.group_id = m.group_id"
    )
    named = ", ".join(f"c.{column.strip()}" for column in CREDENTIALS.split(","))
    op.execute(
        f"INSERT INTO credentials (digest, scope, {CREDENTIALS}) SELECT c.digest, w.scope, {named} "  # noqa: S608 - names of ours
        "FROM kept_credentials c JOIN kept_workers w ON w.worker_id = c.worker_id"
    )


def _workers() -> None:
    unique = "unique in its scope: an imported experiment keeps its own"
    op.create_table(
        "workers",
        sa.Column("scope", sa.String(), nullable=False, comment="an experiment id, or empty for the deployment"),
        sa.Column("worker_id", sa.String(), nullable=False, comment=unique),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("labels", sa.JSON(), nullable=True),
        sa.Column("registered_at", sa.String(), nullable=False),
        sa.Column("registered_by", sa.String(), nullable=True),
        sa.Column(
            "deployment_worker_id", sa.String(), nullable=True, comment="whose identity in the experiment this is"
        ),
        sa.Column("last_seen_at", sa.String(), nullable=True),
        sa.Column("disabled_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "worker_id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_name", "workers", ["scope", "name"], unique=False)
    op.create_index(
        "uq_workers_identity",
        "workers",
        ["scope", "deployment_worker_id"],
        unique=True,
        sqlite_where=sa.text("deployment_worker_id IS NOT NULL"),
        postgresql_where=sa.text("deployment_worker_id IS NOT NULL"),
    )


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "group_id", name=op.f("pk_groups")),
    )
    op.create_index("ix_groups_name", "groups", ["scope", "name"], unique=False)


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False, comment="a worker or group; need not exist"),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scope", "group_id"], ["groups.scope", "groups.group_id"], name="fk_members_group", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scope", "group_id", "member_id", name=op.f("pk_members")),
    )
    op.create_index("ix_members_member_id", "members", ["scope", "member_id"], unique=False)


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("digest", sa.String(), nullable=False, comment="keyed hash of the secret"),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True, comment="the claim that a git password is good for"),
        sa.Column("claimed_at", sa.String(), nullable=True),
        sa.Column("session_digest", sa.String(), nullable=True, comment="the session that it ends with"),
        sa.Column(
            "is_read_only",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a viewer's: it changes nothing",
        ),
        sa.CheckConstraint("kind IN ('registration', 'token', 'git')", name=op.f("ck_credentials_kind")),
        sa.ForeignKeyConstraint(
            ["scope", "worker_id"], ["workers.scope", "workers.worker_id"], name="fk_credentials_worker"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_credentials")),
    )
    op.create_index("ix_credentials_expires_at", "credentials", ["expires_at"], unique=False)
    op.create_index("ix_credentials_session_digest", "credentials", ["session_digest"], unique=False)
    op.create_index("ix_credentials_worker_id", "credentials", ["scope", "worker_id", "kind"], unique=False)
