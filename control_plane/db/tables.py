"""The tables that every wing stands on: experiments, identities, the event log and the tallies."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

DEPLOYMENT = ""
"""The scope of identities and events that belong to no experiment."""

IS_OPEN = text("status IN ('running', 'paused')")
"""The condition of a partial index: a query has to use the same text."""

experiments = Table(
    "experiments",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("slug", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("kind", String),
    Column("description", Text),
    Column("hypothesis", Text),
    Column("config", JSON, nullable=False),
    Column("config_text", Text, comment="the config as written"),
    Column("dispatch_mode", JSON, nullable=False),
    Column("automation", JSON, nullable=False),
    Column("base_commit_sha", String),
    Column("imported_from", JSON),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("ended_at", String),
    Column("end_reason", Text),
    Column("archived_at", String, comment="since when lists leave it out"),
    Column("tags", String, comment="with spaces between; null for none"),
    Index("ix_experiments_standing", "status", text("created_at DESC"), text("experiment_id DESC"), "archived_at"),
    Index("ix_experiments_open", "status", "created_at", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    CheckConstraint("status IN ('draft', 'running', 'paused', 'completed', 'failed', 'cancelled')", name="status"),
)

events = Table(
    "events",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("experiment_id", String, nullable=False),
    Column("sequence", BigInteger, comment="counts the protocol's events of the experiment; null for our own"),
    Column("event_id", String, nullable=False, unique=True),
    Column("type", String, nullable=False),
    Column("occurred_at", String, nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_events_sequence", "experiment_id", "sequence", unique=True),
    Index("ix_events_position", "experiment_id", "position"),
    Index("ix_events_type", "experiment_id", "type", "position"),
    Index("ix_events_type_of_all", "type", "position"),
)

workers = Table(
    "workers",
    metadata,
    Column("scope", String, primary_key=True, comment="an experiment id, or empty for the deployment"),
    Column("worker_id", String, primary_key=True, comment="unique in its scope: an imported experiment keeps its own"),
    Column("name", String),
    Column("labels", JSON),
    Column("registered_at", String, nullable=False),
    Column("registered_by", String),
    Column("deployment_worker_id", String, comment="whose identity in the experiment this is"),
    Column("last_seen_at", String),
    Column("disabled_at", String),
    Index("ix_workers_name", "scope", "name"),
    Index(
        "uq_workers_identity",
        "scope",
        "deployment_worker_id",
        unique=True,
        sqlite_where=text("deployment_worker_id IS NOT NULL"),
        postgresql_where=text("deployment_worker_id IS NOT NULL"),
    ),
)

groups = Table(
    "groups",
    metadata,
    Column("scope", String, primary_key=True),
    Column("group_id", String, primary_key=True),
    Column("name", String),
    Column("created_at", String, nullable=False),
    Column("created_by", String),
    Index("ix_groups_name", "scope", "name"),
)

members = Table(
    "members",
    metadata,
    Column("scope", String, primary_key=True),
    Column("group_id", String, primary_key=True),
    Column("member_id", String, primary_key=True, comment="a worker or group; need not exist"),
    Column("added_at", String, nullable=False),
    ForeignKeyConstraint(
        ["scope", "group_id"], ["groups.scope", "groups.group_id"], name="fk_members_group", ondelete="CASCADE"
    ),
    Index("ix_members_member_id", "scope", "member_id"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("digest", String, primary_key=True, comment="keyed hash of the secret"),
    Column("scope", String, nullable=False),
    Column("worker_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("task_id", String, comment="the claim that a git password is good for"),
    Column("claimed_at", String),
    Column("session_digest", String, comment="the session that it ends with"),
    Column("is_read_only", Boolean, nullable=False, server_default=false(), comment="a viewer's: it changes nothing"),
    Column(
        "is_confined",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="of somebody without a role in the deployment, who sees nothing there but what is theirs",
    ),
    Index("ix_credentials_session_digest", "session_digest"),
    ForeignKeyConstraint(["scope", "worker_id"], ["workers.scope", "workers.worker_id"], name="fk_credentials_worker"),
    Index("ix_credentials_worker_id", "scope", "worker_id", "kind"),
    Index("ix_credentials_expires_at", "expires_at"),
    CheckConstraint("kind IN ('registration', 'token', 'git')", name="kind"),
)

attempt_keys = Table(
    "attempt_keys",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("digest", String, nullable=False, comment="keyed hash of the secret that its machine made for it"),
    Column("begun_at", String, nullable=False),
)
"""What an attempt on another machine proves itself with, for as long as it is the current one of its job."""

tallies = Table(
    "tallies",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("total", BigInteger, nullable=False),
)

scores = Table(
    "scores",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("baseline_variant_id", String),
    Column("baseline_value", Float),
    Column("best_variant_id", String),
    Column("best_value", Float),
    Column("best_label", String, comment="what the best variant is called"),
    Column("steps", JSON(none_as_null=True), comment="how the best came to be: number of the variant and value"),
)
