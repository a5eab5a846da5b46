"""How long workers take over tasks, counted as they hand them in."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from control_plane.db.tables import metadata

paces = Table(
    "paces",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("worker_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False, comment="of durations: four to a doubling"),
    Column("tasks", BigInteger, nullable=False, comment="that were handed in after so long"),
)
"""A few rows for each worker, whatever it did: a worker's middle duration needs no more."""
