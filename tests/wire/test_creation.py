"""An experiment under a registered id is one maker's from its repository to its row."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from control_plane.db.tables import experiments
from control_plane.edge.minting import mint
from control_plane.registry.creation import Creation
from control_plane.registry.operations import registrations
from control_plane.repos.vend import Repositories
from store_client.errors import AlreadyExists, BadRequest, ExperimentIdConflict, InvalidPrecondition
from store_client.wire.experiments import CreateExperiment, ExperimentDetail
from store_client.wire.leases import RegisterExperiment
from tests.registry import CONFIG, Registry, open_registry

MAKERS = 5


@dataclass(frozen=True)
class Makers:
    """Processes that share a database and a folder of repositories, each with a directory of its own."""

    registry: Registry
    folder: Path

    def registered(self) -> str:
        experiment_id = mint("exp")
        body = RegisterExperiment(name="Registered", experiment_id=experiment_id, config_uri="file:/config")
        self.registry.act(lambda tx: registrations.register_experiment(tx, body))
        return experiment_id

    def directory(self, name: str) -> Path:
        place = self.folder / "sources" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "experiment.yaml").write_text(yaml.safe_dump({**CONFIG, "name": name}))
        (place / "who").write_text(name)
        return place

    async def make(self, experiment_id: str, name: str, slug: str | None = None) -> ExperimentDetail:
        creation = Creation(self.registry.house, Repositories(self.folder / "repos"))
        body = CreateExperiment(experiment_id=experiment_id, directory=str(self.directory(name)), slug=slug)
        return await creation.create(body)

    def must_be_whole(self, experiment_id: str) -> str:
        """The name of the one whose row and whose repository it is; nothing else lies about."""
        with self.registry.house.database.reading() as connection:
            row = connection.execute(experiments.select().where(experiments.c.experiment_id == experiment_id)).one()
        repositories = Repositories(self.folder / "repos")
        assert repositories.head(experiment_id) == row.base_commit_sha
        who = repositories.git.run(repositories.path(experiment_id), "show", "main:who").decode()
        assert who == row.name
        assert [path.name for path in (self.folder / "repos").glob(f"*{experiment_id}*")] == [f"{experiment_id}.git"]
        return who


@pytest.fixture
def makers(database_url: str, tmp_path: Path) -> Iterator[Makers]:
    with open_registry(database_url) as registry:
        yield Makers(registry, tmp_path)


async def test_of_many_who_make_one_experiment_one_wins_with_row_and_repository(makers: Makers) -> None:
    for _ in range(3):
        experiment_id = makers.registered()
        attempts = (makers.make(experiment_id, f"maker-{number}") for number in range(MAKERS))
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        won = [each for each in outcomes if isinstance(each, ExperimentDetail)]
        assert [type(each) for each in outcomes if each not in won] == [ExperimentIdConflict] * (MAKERS - 1)
        assert makers.must_be_whole(experiment_id) == won[0].name


async def test_one_who_is_refused_makes_room_for_the_next(makers: Makers) -> None:
    await makers.make(makers.registered(), "first", slug="taken")
    experiment_id = makers.registered()
    refused, made = await asyncio.gather(
        makers.make(experiment_id, "refused", slug="taken"), makers.make(experiment_id, "made"), return_exceptions=True
    )
    assert isinstance(refused, AlreadyExists | ExperimentIdConflict)
    assert isinstance(made, ExperimentDetail)
    assert makers.must_be_whole(experiment_id) == "made"


async def test_a_maker_whose_caller_goes_is_finished_before_the_next_begins(makers: Makers) -> None:
    experiment_id = makers.registered()
    first = asyncio.create_task(makers.make(experiment_id, "first"))
    async with asyncio.timeout(60):
        while not (first.done() or list((makers.folder / "repos").glob(f".{experiment_id}.making"))):  # noqa: ASYNC110 - a file appears
            await asyncio.sleep(0.001)
    first.cancel()
    with pytest.raises(ExperimentIdConflict):
        await makers.make(experiment_id, "second")
    assert makers.must_be_whole(experiment_id) == "first"


DIES = """
import os, sys
from pathlib import Path
from control_plane.repos.vend import Repositories
repositories = Repositories(Path(sys.argv[1]))
held = repositories.hold(sys.argv[2])
repositories.seed(sys.argv[2], Path(sys.argv[3]), "2026-01-01T00:00:00Z")
os._exit(7)
"""


async def test_what_a_maker_that_died_left_is_nobodys(makers: Makers) -> None:
    experiment_id = makers.registered()
    argv = [sys.executable, "-c", DIES, str(makers.folder / "repos"), experiment_id, str(makers.directory("dead"))]
    died = await asyncio.to_thread(subprocess.run, argv, check=False, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    assert died.returncode == 7
    assert (makers.folder / "repos" / f"{experiment_id}.git").is_dir()
    await makers.make(experiment_id, "alive")
    assert makers.must_be_whole(experiment_id) == "alive"


async def test_an_id_that_is_not_registered_or_a_bad_directory_leaves_nothing(makers: Makers) -> None:
    with pytest.raises(InvalidPrecondition):
        await makers.make(mint("exp"), "chosen")
    creation = Creation(makers.registry.house, Repositories(makers.folder / "repos"))
    with pytest.raises(BadRequest):
        await creation.create(CreateExperiment(experiment_id=makers.registered(), directory="/nowhere"))
    assert [path.name for path in (makers.folder / "repos").iterdir() if path.name.startswith((".exp", "exp"))] == []
