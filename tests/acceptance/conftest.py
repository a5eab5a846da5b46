"""Deployments for tests: each on a data directory of its own, and gone afterwards with everything it started."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment

Deploy = Callable[[str], Deployment]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deploy]:
    """Name a data directory; the deployment on it runs nothing yet."""
    made: list[Deployment] = []

    def one(name: str) -> Deployment:
        made.append(Deployment(tmp_path / name))
        return made[-1]

    yield one
    for deployment in made:
        deployment.clean_up()


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    """One data directory on which nothing runs yet."""
    return deploy("data")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One `switchyard up` for all tests of a file."""
    shared = Deployment(tmp_path_factory.mktemp("up") / "data")
    try:
        yield shared.up()
    finally:
        shared.clean_up()
