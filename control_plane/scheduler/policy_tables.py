"""The policy of the queue, what experiments and operators may have, and what experiments used."""

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Integer, String, Table

from control_plane.db.tables import metadata

policies = Table(
    "queue_policy",
    metadata,
    Column("policy_id", Integer, primary_key=True, autoincrement=False, comment="1: there is one"),
    Column("ageing_seconds", Float, nullable=False),
    Column("may_preempt", Boolean, nullable=False),
    Column("half_life_seconds", Float, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("updated_by", String, nullable=False),
    CheckConstraint("policy_id = 1", name="one"),
)

shares = Table(
    "queue_shares",
    metadata,
    Column("kind", String, primary_key=True),
    Column("who", String, primary_key=True, comment="an experiment, or an operator's worker in the deployment"),
    Column("weight", Float, nullable=False),
    Column("gpus", Float),
    Column("cpus", Integer),
    Column("jobs", Integer),
    CheckConstraint("kind IN ('experiment', 'operator')", name="kind"),
    CheckConstraint("weight > 0", name="weight"),
)

usage = Table(
    "queue_usage",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False, comment="hours since 1970"),
    Column("seconds", Float, nullable=False, comment="GPU seconds, CPU seconds where it used no GPU"),
)
