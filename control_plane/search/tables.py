"""What can be found, and the index of its words: a full-text one of each database."""

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, Text, event

from control_plane.db.tables import metadata

search_entries = Table(
    "search_entries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", String, nullable=False),
    Column("scope", String, nullable=False, comment="the experiment"),
    Column("subject_id", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False, comment="the beginning of what is said of it"),
    Column("words", Text, nullable=False, comment="each once, in lower case, a space between"),
    Column("at", String, nullable=False),
    Index("uq_search_entries_subject", "kind", "scope", "subject_id", unique=True),
    Index("ix_search_entries_id", "subject_id"),
)

search_places = Table(
    "search_places",
    metadata,
    Column("name", String, primary_key=True),
    Column("position", BigInteger, nullable=False, comment="of the last event that has been looked at"),
)

IN_SQLITE = (
    """CREATE VIRTUAL TABLE search_words USING fts5(words, content='search_entries', content_rowid='number',
    detail=none, prefix='1 2 3 4 5 6', tokenize='ascii')""",
    """CREATE TRIGGER search_entries_added AFTER INSERT ON search_entries BEGIN
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words); END""",
    """CREATE TRIGGER search_entries_removed AFTER DELETE ON search_entries BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words); END""",
    """CREATE TRIGGER search_entries_changed AFTER UPDATE OF words ON search_entries BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words); END""",
)
"""SQLite keeps its index beside the table, in step by triggers; PostgreSQL's is an index of the table."""

IN_POSTGRESQL = (
    "CREATE INDEX ix_search_entries_words ON search_entries USING gin (array_to_tsvector(string_to_array(words, ' ')))",
)


def _index(_table: Table, connection: Connection, **_told: object) -> None:
    for statement in IN_SQLITE if connection.dialect.name == "sqlite" else IN_POSTGRESQL:
        connection.exec_driver_sql(statement)


event.listen(search_entries, "after_create", _index)
