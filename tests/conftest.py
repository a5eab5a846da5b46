"""What every test shares: databases, a browser, and no way out to the network."""

import pytest

from tests import network

pytest_plugins = ["tests.databases", "tests.browsers"]


def pytest_configure(config: pytest.Config) -> None:
    network.refuse_the_outside()
