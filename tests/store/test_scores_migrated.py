"""A database from before courses were kept gets them by its migration, as if they had been kept from the start."""

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, connect

import pytest

from control_plane.db.migrate import upgrade
from tests.store.task_house import TaskHouse
from tests.store.test_courses import worked

BEFORE = "0024"
WRITTEN = ("measurements", "courses", "course_widths", "records", "scores")
KEPT = ("experiments", "variants", "ideas", "scores")


@pytest.mark.parametrize("direction", ["minimize", pytest.param("maximize", marks=pytest.mark.long)])
def test_the_migration_finds_what_would_have_been_kept(tmp_path: Path, sqlite_store: TaskHouse, direction: str) -> None:
    config = sqlite_store.see(lambda tx: tx.experiment["config"])
    sqlite_store.set(config=config | {"objective": {"expr": "accuracy", "direction": direction}})
    worked(sqlite_store)
    old = tmp_path / "old.db"
    upgrade(f"sqlite:///{old}", BEFORE)
    with closing(connect(tmp_path / "switchyard.db")) as now, closing(connect(old)) as then:
        for name in KEPT:
            _copy(name, now, then)
        then.commit()
    upgrade(f"sqlite:///{old}")
    with closing(connect(tmp_path / "switchyard.db")) as now, closing(connect(old)) as then:
        for name in WRITTEN:
            assert _rows(name, then), name
            assert _rows(name, then) == _rows(name, now), name


def _copy(name: str, now: Connection, then: Connection) -> None:
    """The rows of a table in the columns that it had."""
    columns = [row[1] for row in then.execute(f"PRAGMA table_info({name})")]
    rows = now.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall()  # noqa: S608 - names of ours
    then.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608 - names of ours


def _rows(name: str, of: Connection) -> list[tuple[object, ...]]:
    columns = sorted(row[1] for row in of.execute(f"PRAGMA table_info({name})"))
    return sorted(of.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall(), key=str)  # noqa: S608 - names of ours
