"""One host for each example, begun afresh where a test changes its history."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.host import Host

Begin = Callable[[str], Host]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Make a host for an example."""
    return lambda name: Host(name, tmp_path)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host whose repository tests only add commits to."""
    return Host("digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def packing(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host whose repository tests only add commits to."""
    return Host("packing", tmp_path_factory.mktemp("packing"))
