"""What variants measured, kept so that a page reads little of it however many there are."""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, String, Table, text

from control_plane.db.tables import metadata

IS_NUMBER = text("value IS NOT NULL")
IS_WORD = text("word IS NOT NULL")
OBJECTIVE = ""
"""The course of the objective itself; no metric has an empty name."""

measurements = Table(
    "measurements",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="of the variant"),
    Column("value", Float, comment="of a metric that is a number"),
    Column("word", String, comment="the beginning of a metric that is a text"),
    Index(
        "ix_measurements_value", "experiment_id", "metric", "value", "number",
        sqlite_where=IS_NUMBER, postgresql_where=IS_NUMBER,
    ),
    Index(
        "ix_measurements_word", "experiment_id", "metric", "word", "number",
        sqlite_where=IS_WORD, postgresql_where=IS_WORD,
    ),
)  # fmt: skip
"""Every metric of every variant that succeeded, the baseline's too."""

courses = Table(
    "courses",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("metric", String, primary_key=True, comment="empty for the objective"),
    Column("bucket", Integer, primary_key=True, autoincrement=False, comment="a stretch of variants"),
    Column("low", JSON(none_as_null=True), comment="the lowest of the stretch: number, variant, label, value"),
    Column("high", JSON(none_as_null=True), comment="the highest"),
    Column("failed", JSON(none_as_null=True), comment="the first that has no value"),
)  # fmt: skip

course_widths = Table(
    "course_widths",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("width", BigInteger, nullable=False, comment="of all courses of the experiment: a power of two"),
)

records = Table(
    "records",
    metadata,
    Column("experiment_id", String, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False, comment="counts the experiment's records"),
    Column("number", BigInteger, nullable=False),
    Column("variant_id", String, nullable=False),
    Column("label", String, nullable=False),
    Column("value", Float, nullable=False),
    Column("before", Float, comment="the best until then"),
    Column("at", String, nullable=False),
    Index("ix_records_variant", "experiment_id", "variant_id"),
)
"""The variants that were better than everything scored before them, in the order in which they were scored."""
