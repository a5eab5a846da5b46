"""Longer beginnings of words in the full-text index of SQLite: what very many words begin with is found at once."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

IN_SQLITE = (
    "DROP TABLE search_words",
    """CREATE VIRTUAL TABLE search_words USING fts5(words, content='search_entries', content_rowid='number',
    detail=none, prefix='1 2 3 4 5 6', tokenize='ascii')""",
    "INSERT INTO search_words(search_words) VALUES ('rebuild')",
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        for statement in IN_SQLITE:
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
