"""One experiment behind HTTP, five ways: in process, as a server process, as three; on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import URL

from control_plane.registry.rules.relying import Welcome
from tests.databases import postgresql_database, sqlite_database
from tests.fakes.provider import FakeProvider
from tests.wire.arrivals import Arrivals, deployment
from tests.wire.live import Servers, in_process, serving_processes, settle
from tests.wire.store_app import WireApp
from tests.wire.yard import Door, Yard, in_this_process, through

WAYS = ("in_process-sqlite", "in_process-postgresql", "live-sqlite", "live-postgresql", "replicas-postgresql")
AGAINST_REPLICAS = {"test_rules_claims.py", "test_rules_http.py", "test_control_leases.py"}
"""The files that `make test` runs against three replicas too; `make long` runs all."""


def pytest_itemcollected(item: pytest.Item) -> None:
    if "replicas-postgresql" in item.name and item.path.name not in AGAINST_REPLICAS:
        item.add_marker(pytest.mark.long)


def _way(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.postgres) if name.endswith("postgresql") else name


@pytest.fixture(params=[_way(name) for name in WAYS])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WireApp]:
    """The whole control plane and a fresh experiment without a repository; see `tests.wire.live.settle`."""
    how, _, kind = str(request.param).partition("-")
    if how != "in_process":
        servers: Servers = request.getfixturevalue("replicas" if how == "replicas" else f"live_{kind}")
        async with servers.client() as http:
            yield await settle(http)
        return
    url = str(request.getfixturevalue(f"{kind}_url"))
    async with in_process(url, tmp_path / "data") as http:
        yield await settle(http)


@pytest.fixture(scope="session")
def live_sqlite(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Servers]:
    """A server process on SQLite for all tests of a run."""
    data = tmp_path_factory.mktemp("live") / "data"
    with serving_processes(sqlite_database(sqlite_template, data.parent / "live.db"), data) as servers:
        yield servers


@pytest.fixture(scope="session")
def live_postgresql(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server process on PostgreSQL for all tests of a run."""
    with _on_postgresql(request, tmp_path_factory) as servers:
        yield servers


@pytest.fixture(scope="session")
def replicas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Three server processes on one PostgreSQL for all tests of a run."""
    with _on_postgresql(request, tmp_path_factory, 3) as servers:
        yield servers


@contextmanager
def _on_postgresql(
    request: pytest.FixtureRequest, folders: pytest.TempPathFactory, replicas: int = 1
) -> Iterator[Servers]:
    server, template = (request.getfixturevalue(f"postgresql_{name}") for name in ("server", "template"))
    with (
        postgresql_database(server, template) as url,
        serving_processes(url, folders.mktemp("live"), replicas) as found,
    ):
        yield found


class Doors:
    """The ways in on one database; each is opened when it is first asked for, and stays open for all files of a run."""

    def __init__(self, opened: ExitStack, folders: pytest.TempPathFactory, url: Callable[[Path], str]) -> None:
        self._opened, self._folders, self._url = opened, folders, url
        self._found: dict[str, Door] = {}

    def way(self, how: str) -> Door:
        if how not in self._found:
            folder = self._folders.mktemp("door")
            self._found[how] = self._open(how, self._url(folder / "door.db"), folder / "data")
        return self._found[how]

    def _open(self, how: str, url: str, data: Path) -> Door:
        if how == "in_process":
            return self._opened.enter_context(in_this_process(url, data))
        servers = self._opened.enter_context(serving_processes(url, data, 3 if how == "replicas" else 1))
        return self._opened.enter_context(through(servers))


@pytest.fixture(scope="session")
def doors_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with ExitStack() as opened:
        yield Doors(opened, tmp_path_factory, lambda path: sqlite_database(sqlite_template, path))


@pytest.fixture(scope="session")
def doors_postgresql(
    postgresql_server: URL, postgresql_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    with ExitStack() as opened:
        database = partial(postgresql_database, postgresql_server, postgresql_template)
        yield Doors(opened, tmp_path_factory, lambda _path: opened.enter_context(database()))


@pytest.fixture(scope="session", params=[_way(name) for name in WAYS])
def door(request: pytest.FixtureRequest) -> Door:
    """One control plane and one experiment for the tests of all rules."""
    how, _, kind = str(request.param).partition("-")
    doors: Doors = request.getfixturevalue(f"doors_{kind}")  # what is ended after it was begun before it
    return doors.way(how)


@pytest.fixture
async def yard(door: Door) -> AsyncIterator[Yard]:
    """The experiment that the tests of the rules share: each makes its own tasks, ideas and variants in it."""
    door.begin()
    async with door.client() as http:
        opened = Yard(door.store, http, [door.seen])
        await opened.told()
        yield opened
        door.seen = opened.place[0]


@pytest.fixture
async def training_app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WireApp]:
    """The whole control plane, and an experiment that says how to train."""
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "train.py").write_text("print('training')\n")
    async with in_process(sqlite_url, tmp_path / "data") as http:
        yield await settle(http, tmp_path / "seed", training_command="python train.py")


@pytest.fixture
async def arrivals(sqlite_url: str, fake: FakeProvider) -> AsyncIterator[Arrivals]:
    """People come from the `fake` of the file, and nobody uninvited."""
    async with deployment(sqlite_url, fake, Welcome()) as opened:
        yield opened


@pytest.fixture
async def open_to_all(sqlite_url: str, fake: FakeProvider) -> AsyncIterator[Arrivals]:
    """A verified address names who has it here, and strangers become viewers."""
    async with deployment(sqlite_url, fake, Welcome("email", "viewer")) as opened:
        yield opened
