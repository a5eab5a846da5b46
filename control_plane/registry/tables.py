"""The registry's own tables: reserved groups, the deployment's services, operators and their sessions."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table

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
    Column("worker_id", String, ForeignKey("workers.worker_id"), nullable=False),
)

operators = Table(
    "operators",
    metadata,
    Column("operator_id", String, ForeignKey("workers.worker_id"), primary_key=True),
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
