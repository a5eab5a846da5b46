"""Alembic's entry: one transaction for all migrations, batch mode where SQLite needs it."""

from alembic import context
from sqlalchemy import create_engine, text

from control_plane.schema import metadata

MIGRATING = 0x5357_4D49
"""Any constant: the advisory lock of whoever migrates."""


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = create_engine(url)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":  # of servers that start at once, one migrates
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            context.run_migrations()
    engine.dispose()


run()
