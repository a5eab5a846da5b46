"""An experiment with its orchestrator."""

from collections.abc import Iterator

import pytest

from tests.orchestrator.desk_house import DeskHouse, open_desk


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskHouse]:
    """On each database."""
    with open_desk(database_url) as opened:
        yield opened
