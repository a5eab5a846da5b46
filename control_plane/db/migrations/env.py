"""Alembic's entry: one transaction for all migrations, batch mode where SQLite needs it."""

from alembic import context
from sqlalchemy import create_engine

from control_plane.schema import metadata


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = create_engine(url)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
