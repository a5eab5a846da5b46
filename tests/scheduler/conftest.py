"""The queue over a real house."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scheduler.queue_house import Queue, Yard, open_yard
from tests.store.task_house import open_house


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    """The queue's operations without a scheduler, on each database."""
    with open_house(database_url) as store:
        yield Queue(store)


@pytest.fixture
def yard(sqlite_url: str, tmp_path: Path) -> Iterator[Yard]:
    """The queue with a scheduler at work on two CPU slots."""
    with open_yard(sqlite_url, tmp_path) as opened:
        yield opened
