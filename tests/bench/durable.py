"""Fresh databases for benchmarks, on which a commit is on the disk before it is acknowledged."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.databases import wheel

KINDS = ("sqlite", "postgresql")


@contextmanager
def durable_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database: a file in this folder, or on a server that really waits for its disk."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'switchyard.db'}"
        return
    with _server() as server:
        name = f"bench_{uuid.uuid4().hex}"
        with psycopg.connect(_text(server.set(drivername="postgresql")), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
            yield _text(server.set(database=name))
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def _server() -> Iterator[URL]:
    """The server that TEST_DATABASE_URL names, else one from the development wheel."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    # As root the server opens the parents of its data to another user: it lies in a directory made for it.
    home = Path(tempfile.mkdtemp(prefix="switchyard-bench-postgresql-"))
    home.chmod(0o711)
    server = wheel(home).get_server(home / "data", cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
