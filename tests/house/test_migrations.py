"""What the migrations build is what the tables say, on both databases."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Index, MetaData, String, Table, create_engine, inspect, text

from control_plane.schema import metadata
from tests.house.tree import Source, keeps

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}
OF_ALEMBIC = "alembic_version"


def schema(engine: Engine) -> dict[str, Any]:
    """Everything a database knows of its tables, as text that two databases can be compared by."""
    looking = inspect(engine)
    tables = [name for name in looking.get_table_names() if name != OF_ALEMBIC]
    with engine.connect() as connection:
        rows = connection.execute(text(INDEXES[engine.dialect.name])).all()
    indexes = {f"index {name}": " ".join(definition.split()) for name, definition in rows if OF_ALEMBIC not in name}
    return indexes | {
        f"{table} {name}": sorted(map(str, facts)) if isinstance(facts, list) else str(facts)
        for table in tables
        for name, facts in {
            "columns": looking.get_columns(table),
            "primary key": looking.get_pk_constraint(table),
            "foreign keys": looking.get_foreign_keys(table),
            "unique": looking.get_unique_constraints(table),
            "checks": looking.get_check_constraints(table),
        }.items()
    }


def differences(migrated: str, declared: str, tables: MetaData) -> set[str]:
    """What differs between a migrated database and an empty one after the tables are created in it."""
    engines = [create_engine(migrated), create_engine(declared)]
    try:
        tables.create_all(engines[1])
        one, other = map(schema, engines)
    finally:
        for engine in engines:
            engine.dispose()
    return {name for name in one | other if one.get(name) != other.get(name)}


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'declared.db'}"
    return str(request.getfixturevalue("empty_postgresql_url"))


def test_the_migrations_build_the_tables(database_url: str, empty_url: str) -> None:
    assert differences(database_url, empty_url, metadata) == set()


def test_what_no_migration_builds_is_noticed(database_url: str, empty_url: str) -> None:
    grown = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(grown)
    Table("forgotten", grown, Column("name", String, primary_key=True))
    grown.tables["events"].append_column(Column("colour", String))
    Index("ix_events_colour", grown.tables["events"].c.colour.desc())
    found = differences(database_url, empty_url, grown)
    assert {"forgotten columns", "events columns", "index ix_events_colour"} <= found


def test_a_migration_imports_nothing_that_can_change_under_it(tree: list[Source]) -> None:
    ours = re.compile(r"^(?:from|import) (?:control_plane|store_client|web_ui)", re.MULTILINE)
    versions = [source for source in tree if source.path.startswith("control_plane/db/migrations/versions/")]
    assert versions
    keeps(f"{source.path} imports this project" for source in versions if ours.search(source.text))
    assert ours.search("import sqlalchemy\nfrom control_plane.schema import metadata\n")
