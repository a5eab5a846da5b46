"""One control plane a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.runner.houses import House, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path / "data") as opened_house:
        yield opened_house
