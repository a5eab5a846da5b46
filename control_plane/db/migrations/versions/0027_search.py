"""What can be found by its words; it is filled from the log after the start."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

IN_SQLITE = (
    """CREATE VIRTUAL TABLE search_words USING fts5(words, content='search_entries', content_rowid='number',
    detail=none, prefix='1 2 3', tokenize='ascii')""",
    """CREATE TRIGGER search_entries_added AFTER INSERT ON search_entries BEGIN
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words); END""",
    """CREATE TRIGGER search_entries_removed AFTER DELETE ON search_entries BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words); END""",
    """CREATE TRIGGER search_entries_changed AFTER UPDATE OF words ON search_entries BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words); END""",
)


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False, comment="the experiment"),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="the beginning of what is said of it"),
        sa.Column("words", sa.Text(), nullable=False, comment="each once, in lower case, a space between"),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_entries")),
    )
    op.create_index("uq_search_entries_subject", "search_entries", ["kind", "scope", "subject_id"], unique=True)
    op.create_index("ix_search_entries_id", "search_entries", ["subject_id"])
    op.create_table(
        "search_places",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the last event that has been looked at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_search_places")),
    )
    _index_words()


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _index_words() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in IN_SQLITE:
            op.execute(statement)
        return
    words = sa.text("array_to_tsvector(string_to_array(words, ' '))")
    op.create_index("ix_search_entries_words", "search_entries", [words], postgresql_using="gin")
