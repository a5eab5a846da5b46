"""The registry's own tables: reserved groups, the deployment's services, operators and their sessions."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from control_plane.db.tables import metadata

reserved_groups = Table(
    "reserved_groups",
    metadata,
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True, comment="taken once, and for good: deletion does not free it"),
    Column("group_id", String, nullable=False),
)

services = Table(
    "services",
    metadata,
    Column("name", String, primary_key=True),
    Column("worker_id", String, nullable=False),
)

operators = Table(
    "operators",
    metadata,
    Column("operator_id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column(
        "is_confined",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="has no role in the deployment, and sees only the experiments of its roles there",
    ),
    Column("sign_in_name", String, comment="what they sign in with beside a password, in lower case"),
    Column("password", Text, comment="hashed by argon2, salt and cost included"),
    Column("password_set_at", String),
    Column("subject", String, comment="who they are to the OpenID Connect provider: issuer and subject"),
    CheckConstraint("role IN ('viewer', 'operator', 'administrator')", name="role"),
    Index("uq_operators_sign_in_name", "sign_in_name", unique=True),
    Index("uq_operators_subject", "subject", unique=True),
)

experiment_roles = Table(
    "experiment_roles",
    metadata,
    Column("operator_id", String, ForeignKey("operators.operator_id"), primary_key=True),
    Column("experiment_id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("granted_at", String, nullable=False),
    Column("granted_by", String, nullable=False),
    Index("ix_experiment_roles_experiment_id", "experiment_id"),
    CheckConstraint("role IN ('viewer', 'operator', 'administrator')", name="role"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True, comment="keyed hash of the link's code"),
    Column("operator_id", String, ForeignKey("operators.operator_id"), comment="whose password it sets anew"),
    Column("name", String, nullable=False),
    Column("sign_in_name", String, nullable=False),
    Column("role", String, nullable=False, comment="in the deployment; member: none"),
    Column("experiments", JSON, nullable=False, comment="the roles in experiments, by id"),
    Column("created_at", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Index("ix_invitations_expires_at", "expires_at"),
    Index("ix_invitations_operator_id", "operator_id"),
)

guesses = Table(
    "guesses",
    metadata,
    Column("digest", String, primary_key=True, comment="keyed hash of whose password is tried, from where, or both"),
    Column("attempts", Integer, nullable=False, comment="that were not followed by the right one"),
    Column("until", String, nullable=False, comment="when they are forgotten"),
    Index("ix_guesses_until", "until"),
)

sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("digest", String, primary_key=True, comment="keyed hash of the code"),
    Column("operator_id", String, ForeignKey("operators.operator_id"), nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Index("ix_sign_in_codes_expires_at", "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String, primary_key=True, comment="keyed hash of the session's secret"),
    Column("operator_id", String, ForeignKey("operators.operator_id"), nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("session_id", String, comment="what it is called in lists; no secret"),
    Column("last_seen_at", String),
    Column("browser", String, comment="what the browser said that it is"),
    Column("way", String, comment="how they signed in"),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_operator_id", "operator_id"),
    Index("uq_sessions_session_id", "session_id", unique=True),
)

registrations = Table(
    "registrations",
    metadata,
    Column("experiment_id", String, primary_key=True, comment="registered here; it need not be hosted here, or yet"),
    Column("name", String),
    Column("config_uri", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("last_known_state", String, nullable=False, comment="of one that is hosted elsewhere"),
    Column("polled_at", String, comment="when the place that hosts it was asked last"),
    Column("synced_at", String, comment="when it answered last"),
    Column("failures", Integer, nullable=False, comment="how often in a row it has not answered"),
    Index("ix_registrations_name", "name"),
    Index("ix_registrations_created_at", "created_at", "experiment_id"),
    CheckConstraint("last_known_state IN ('running', 'terminated')", name="last_known_state"),
)

leases = Table(
    "leases",
    metadata,
    Column("experiment_id", String, primary_key=True, comment="one row each, for good: the epoch must never go back"),
    Column("lease_id", String, nullable=False, unique=True),
    Column("epoch", BigInteger, nullable=False, comment="counts the experiment's leases"),
    Column("holder", String, nullable=False),
    Column("holder_instance", String, nullable=False),
    Column("acquired_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("renewed_at", String, nullable=False),
    Column("released_at", String),
    Index("ix_leases_holder", "holder", "holder_instance"),
)

config_versions = Table(
    "config_versions",
    metadata,
    Column("experiment_id", String, ForeignKey("experiments.experiment_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False, comment="the config as it was written"),
    Column("keys", JSON, nullable=False, comment="what this version changed"),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, comment="the worker; absent for what the experiment began with"),
)
