"""Whether a database has the newest schema: one query, so that a start need not load what migrates."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from control_plane.db.engine import Database

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def newest() -> str:
    """The revision of the last migration; each file begins with its own."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_newest(url: str) -> bool:
    """Whether there is nothing to migrate; False, too, when that cannot be told."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return False
    database = Database.open(url)
    try:
        with database.reading() as connection:
            return set(connection.scalars(text("SELECT version_num FROM alembic_version"))) == {newest()}
    except DatabaseError:
        return False
    finally:
        database.close()
