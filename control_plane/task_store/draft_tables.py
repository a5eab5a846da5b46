"""The tables of drafts: what people have entered for tasks and not handed in yet."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table

from control_plane.db.tables import metadata

drafts = Table(
    "drafts",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("task_id", String, primary_key=True),
    Column("worker_id", String, primary_key=True, comment="whose draft it is"),
    Column("version", BigInteger, nullable=False, comment="moves up at every save, also of a draft that is begun anew"),
    Column("fields", JSON, nullable=False),
    Column("updated_at", String, nullable=False),
    Index("ix_drafts_worker", "experiment_id", "worker_id", "updated_at"),
    Index("ix_drafts_updated_at", "updated_at"),
)

draft_files = Table(
    "draft_files",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("task_id", String, primary_key=True),
    Column("worker_id", String, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False, comment="their order in the draft"),
    Column("field", String, nullable=False, comment="of the form that the file was chosen in"),
    Column("artifact_id", String, nullable=False),
    Index("ix_draft_files_artifact", "artifact_id"),
)
