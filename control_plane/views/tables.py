"""The table of saved views."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from control_plane.db.tables import metadata

saved_views = Table(
    "saved_views",
    metadata,
    Column("view_id", String, primary_key=True),
    Column("operator_id", String, nullable=False, comment="whose view it is"),
    Column("list", String, nullable=False),
    Column("name", String, nullable=False),
    Column("query", Text, nullable=False, comment="what stands after the question mark of the list's address"),
    Column("is_default", Boolean, nullable=False, comment="of a list of somebody at most one"),
    Column("created_at", String, nullable=False),
    Index("uq_saved_views_name", "operator_id", "list", "name", unique=True),
)
