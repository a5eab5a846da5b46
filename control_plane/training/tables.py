"""Stored training specs, and the jobs that run them."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from control_plane.db.tables import metadata

specs = Table(
    "training_specs",
    metadata,
    Column("spec_id", String, primary_key=True, comment="its author's own id"),
    Column("spec", JSON, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
)

trainings = Table(
    "trainings",
    metadata,
    Column("training_id", String, primary_key=True, comment="its author's own id"),
    Column("spec_id", String, ForeignKey("training_specs.spec_id"), nullable=False),
    Column("request", JSON, nullable=False, comment="what was asked for, whole"),
    Column("experiment_id", String, nullable=False),
    Column("job_id", String, nullable=False, unique=True),
    Column("number", Integer, nullable=False, comment="of the job: the newest training of a spec has the highest"),
    Column("scheduled_by", String, nullable=False),
    Column("scheduled_at", String, nullable=False),
    Index("ix_trainings_spec", "spec_id", "number"),
)
