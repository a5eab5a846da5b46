from collections.abc import Iterator

import pytest

from tests.store.task_house import TaskHouse, open_house


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
