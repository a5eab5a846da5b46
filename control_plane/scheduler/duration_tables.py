"""What ended attempts took, the newest of each kind."""

from sqlalchemy import Column, Float, Index, Integer, String, Table

from control_plane.db.tables import metadata

durations = Table(
    "job_durations",
    metadata,
    Column("kind", String, primary_key=True, comment="experiment, shape and work of alike jobs"),
    Column("place", Integer, primary_key=True, comment="in the ring of the kind"),
    Column("experiment_id", String, nullable=False),
    Column("work", String, nullable=False, comment="role, else name without numbers"),
    Column("shape", String, nullable=False, comment="what it held"),
    Column("seconds", Float, nullable=False),
    Column("ended_at", String, nullable=False),
    Index("ix_job_durations_ended", "ended_at"),
)
