"""What every test shares: databases, a browser, and no way out to the network."""

import functools
import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import starlette.routing
from hypothesis import HealthCheck, settings

from tests import network

pytest_plugins = ["tests.databases", "tests.browsers"]


def pytest_configure(config: pytest.Config) -> None:
    """What Hypothesis makes up is the same in every run and new in the long proofs; a busy machine is no fault."""
    network.refuse_the_outside()
    if (
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):  # what a shell puts in the background is deaf, and all that it starts
        signal.signal(signal.SIGINT, signal.default_int_handler)
    is_long = config.getoption("markexpr") == "long"
    settings.register_profile(
        "ours", deadline=None, derandomize=not is_long, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("ours")


def pytest_collection_finish() -> None:
    """No walk of the garbage collector goes through all modules and tests again: that took a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _paths_are_compiled_once() -> Iterator[None]:
    """The paths of all routes are the same in every application that a test builds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starlette.routing, "compile_path", functools.cache(starlette.routing.compile_path))
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not Path("/dev/nvidiactl").exists():
        pytest.skip("no NVIDIA GPU on this machine")
