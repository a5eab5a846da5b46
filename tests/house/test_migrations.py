"""What the migrations build is what the tables say, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, String, Table, create_engine

from control_plane.schema import metadata


def differences(url: str, expected: MetaData) -> list[str]:
    """What would have to change in the database for it to be as expected."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [str(each) for each in compare_metadata(MigrationContext.configure(connection), expected)]
    finally:
        engine.dispose()


def test_the_migrations_build_the_tables(database_url: str) -> None:
    assert differences(database_url, metadata) == []


def test_a_table_without_a_migration_is_noticed(database_url: str) -> None:
    grown = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(grown)
    Table("forgotten", grown, Column("name", String, primary_key=True))
    assert [each for each in differences(database_url, grown) if "forgotten" in each]
