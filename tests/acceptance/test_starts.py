"""Starts in a row on one data directory: the hundredth leaves no more behind than the second."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from control_plane.db.revision import is_newest, newest
from tests.wire.live import end, ready, start


def start_and_stop(url: str, data: Path) -> None:
    """A server with all its loops, until it is ready and stops well."""
    process = start(url, data, "--orchestrator", "--scheduler")
    try:
        ready(process, data)
    finally:
        end(process)
        assert process.returncode == 0


def left_behind(data: Path) -> dict[str, int | frozenset[str]]:
    """Rows of every table, and every file but the database's own."""
    with closing(sqlite3.connect(data / "switchyard.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608 - names of ours
    files = (str(path.relative_to(data)) for path in data.rglob("*") if not path.name.startswith("switchyard.db"))
    return rows | {"files": frozenset(files)}


def start_often(count: int, data: Path) -> None:
    """So many starts, after two that make what a deployment has; they leave nothing."""
    url = f"sqlite:///{data / 'switchyard.db'}"
    for _ in range(2):
        start_and_stop(url, data)
    before = left_behind(data)
    for _ in range(count):
        start_and_stop(url, data)
    assert left_behind(data) == before
    assert (data / "errors.log").read_text() == ""


def test_two_starts_more_leave_nothing_behind(tmp_path: Path) -> None:
    start_often(2, tmp_path)


@pytest.mark.long
def test_three_hundred_starts_in_a_row_leave_nothing_behind(tmp_path: Path) -> None:
    start_often(300, tmp_path)


def test_a_start_on_the_newest_schema_does_not_load_what_migrates(tmp_path: Path, database_url: str) -> None:
    assert is_newest(database_url)
    assert not is_newest(f"sqlite:///{tmp_path / 'none.db'}")
    (tmp_path / "empty.db").touch()
    assert not is_newest(f"sqlite:///{tmp_path / 'empty.db'}")


def test_an_older_schema_is_not_the_newest(sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest(),)]
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        database.commit()
    assert not is_newest(sqlite_url)
