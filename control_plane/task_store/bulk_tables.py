"""The tables of acts on many tasks: what was wanted, and what became of each task."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text, text

from control_plane.db.tables import metadata

IS_UNDER_WAY = text("ended_at IS NULL")

bulk_acts = Table(
    "bulk_acts",
    metadata,
    Column("act_id", String, primary_key=True),
    Column("experiment_id", String, nullable=False),
    Column("act", String, nullable=False),
    Column("filter", JSON, nullable=False),
    Column("target_id", String, comment="who is to have the tasks; none: anybody"),
    Column("reason", Text),
    Column("acted_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("ended_at", String),
    Column("total", Integer, nullable=False),
    Column("reached", Integer, nullable=False, comment="how many it has come to, in their order"),
    Column("refused", Integer, nullable=False, comment="how many of those could not be acted on"),
    Column("undoes", String, comment="the act that this one takes back"),
    Index("ix_bulk_acts_experiment", "experiment_id", "act_id"),
    Index(
        "ix_bulk_acts_under_way", "created_at", "act_id",
        sqlite_where=IS_UNDER_WAY, postgresql_where=IS_UNDER_WAY,
    ),
    Index("uq_bulk_acts_undoes", "undoes", unique=True),
)  # fmt: skip

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("act_id", String, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("detail", Text, comment="why it was refused"),
    Column("gives", String, comment="whom it gives the task to; none: anybody"),
    Column("had", String, comment="whom the task was for before"),
    Index("ix_bulk_items_outcome", "act_id", "outcome", "place"),
)
