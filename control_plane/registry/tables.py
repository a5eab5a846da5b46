"""The registry's own tables: reserved groups, the deployment's services, operators and their sessions."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

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
    CheckConstraint("role IN ('viewer', 'operator', 'administrator')", name="role"),
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
    Index("ix_sessions_expires_at", "expires_at"),
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
