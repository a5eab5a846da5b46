"""The deployment that tests of the console share."""

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache, partial
from pathlib import Path
from types import CodeType

import httpx
import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

import web_ui.static_files
import web_ui.templating
from store_client import ExperimentDetail
from tests.web.desk import Desk, served
from tests.web.foreign import Foreign, open_foreign
from tests.web.world import World, open_world


class Compiled(BytecodeCache):
    """Templates that one console of this process has compiled, for all others."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    """Half of what a test of a page takes would be the compiling of its templates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web_ui.templating, "Environment", partial(Environment, bytecode_cache=Compiled()))
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_read_once() -> Iterator[None]:
    """Every console would read all of them twice for their checksum."""
    known = cache(web_ui.static_files.checksum)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web_ui.static_files, "checksum", known)
        patch.setattr(web_ui.templating, "checksum", known)
        yield


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[World]:
    """A deployment with nothing in it."""
    async with open_world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def hello(world: World) -> ExperimentDetail:
    """The experiment of examples/hello, every role by hand."""
    return await world.experiment()


@pytest.fixture
async def browser_of_admin(world: World) -> httpx.AsyncClient:
    """The browser of the administrator, signed in."""
    return await world.signed_in()


@pytest.fixture
async def desk(world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient) -> Desk:
    """The administrator at the desks of hello."""
    return await Desk.of(world, hello, browser_of_admin)


@pytest.fixture
async def desk_with_git(world: World, hello: ExperimentDetail) -> AsyncIterator[Desk]:
    """The same before a console that reaches the repositories over HTTP."""
    plane = world.line.inner
    assert isinstance(plane, httpx.ASGITransport)
    async with served(plane.app) as address:
        console = await world.another_console(store_url=address)
        yield await Desk.of(world, hello, await world.signed_in(console=console))


@pytest.fixture
async def two_metrics(world: World, tmp_path: Path) -> ExperimentDetail:
    """An experiment with a metric beside its objective, and a text."""
    folder = tmp_path / "source"
    (folder / ".eden").mkdir(parents=True)
    (folder / "guess.txt").write_text("1.0\n")
    config = {
        "parallel_variants": 1,
        "evaluation_schema": {"error": "real", "seconds": "real", "note": "text"},
        "objective": {"expr": "error", "direction": "minimize"},
        "ideation_policy": {"kind": "fixed_total", "total": 9},
        "evaluation_command": "true",
    }
    (folder / ".eden" / "config.yaml").write_text(json.dumps(config))
    return await world.experiment("Two metrics", folder, automation=None)


@pytest.fixture
async def foreign(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Foreign]:
    """Somebody else's server with nothing in it."""
    async with open_foreign(tmp_path) as opened:
        yield opened
