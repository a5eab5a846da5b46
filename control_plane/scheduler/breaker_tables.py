"""What is held against machines and GPUs that failed what they were given."""

from sqlalchemy import Column, Float, Integer, String, Table, Text

from control_plane.db.tables import metadata

node_health = Table(
    "node_health",
    metadata,
    Column("name", String, primary_key=True, comment="node: and the name of a machine, or the id of a GPU"),
    Column("failures", Integer, nullable=False, comment="in a row that were not the jobs' own"),
    Column("since", Float, nullable=False, comment="the first of them, in seconds since 1970"),
    Column("rests_until", Float, comment="null: it has not failed often enough"),
    Column("rest_seconds", Float, nullable=False),
    Column("why", Text, nullable=False),
)
