"""What every test shares: databases, a browser, and no way out to the network."""

from pathlib import Path

import pytest

from tests import network

pytest_plugins = ["tests.databases", "tests.browsers"]


def pytest_configure(config: pytest.Config) -> None:
    network.refuse_the_outside()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not Path("/dev/nvidiactl").exists():
        pytest.skip("no NVIDIA GPU on this machine")
