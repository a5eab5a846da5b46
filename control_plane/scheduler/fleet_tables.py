"""What the scheduler last saw of the slots, what GPUs read over time, and which of them are kept back."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Float, Index, Integer, String, Table, Text

from control_plane.db.tables import metadata

node_views = Table(
    "node_views",
    metadata,
    Column("node", String, primary_key=True, comment='a machine; "" is the one that the scheduler runs on'),
    Column("seen_at", String, nullable=False),
    Column("slots", JSON, nullable=False, comment="every slot there"),
    Column("gpus", JSON, nullable=False, comment="the newest readings of its GPUs"),
)

gpu_states = Table(
    "gpu_states",
    metadata,
    Column("slot_id", String, primary_key=True, comment="a GPU or a slice, by its UUID"),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String, nullable=False, comment="who keeps it back; scheduler: it gives it out again by itself"),
    Column("since", String, nullable=False),
    CheckConstraint("state IN ('quarantined', 'draining')", name="state"),
)

gpu_samples = Table(
    "gpu_samples",
    metadata,
    Column("slot_id", String, primary_key=True),
    Column("at", String, primary_key=True, comment="the end of the time it stands for"),
    Column("utilisation_percent", Float, comment="on average"),
    Column("memory_used_bytes", BigInteger, comment="at most"),
    Column("temperature_celsius", Integer, comment="at most"),
    Column("power_watts", Float, comment="on average"),
    Column("jobs", JSON, nullable=False, comment="numbers of the jobs on it"),
    Index("ix_gpu_samples_at", "at"),
)
