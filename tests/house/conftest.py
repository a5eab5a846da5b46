"""The house, read once per run."""

import pytest

from tests.house.tree import PACKAGES, Source, files


@pytest.fixture(scope="session")
def tree() -> list[Source]:
    """Every text file of the project."""
    return list(files())


@pytest.fixture(scope="session")
def python(tree: list[Source]) -> list[Source]:
    """Every Python file, tests and examples included."""
    return [source for source in tree if source.path.endswith(".py")]


@pytest.fixture(scope="session")
def product(python: list[Source]) -> list[Source]:
    """The Python files of the three packages."""
    return [source for source in python if source.package in PACKAGES]


@pytest.fixture(scope="session")
def templates(tree: list[Source]) -> list[Source]:
    return [source for source in tree if source.package == "templates"]
