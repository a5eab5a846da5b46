from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.task_house import TaskHouse, open_house
from tests.store.vault import Parts, Vault, complete, unpack, vault


@pytest.fixture
def store(database_url: str) -> Iterator[TaskHouse]:
    """A house with one running experiment, on each database."""
    with open_house(database_url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[TaskHouse]:
    """The same on SQLite alone, for what no database changes."""
    with open_house(sqlite_url) as opened:
        yield opened


@pytest.fixture
def here(sqlite_store: TaskHouse, tmp_path: Path) -> Vault:
    return vault(sqlite_store.house, tmp_path / "here")


@pytest.fixture
def native(sqlite_store: TaskHouse, here: Vault) -> Parts:
    """The files of an archive of ours, with a file in it."""
    complete(sqlite_store)
    uri = here.deposit(sqlite_store, b"because", "why.md")
    variant_id = sqlite_store.executed(5, artifacts_uri=uri)
    sqlite_store.evaluated(variant_id, accuracy=0.5)
    sqlite_store.claim(sqlite_store.task())
    return unpack(here.save(sqlite_store.experiment_id))
