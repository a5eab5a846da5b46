"""Making an experiment whole: its repository on disk first, then its row."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.registry import directories
from control_plane.registry.operations import experiments, reading, registrations
from control_plane.registry.operations.experiments import Seeded
from control_plane.registry.ports import Seeds
from control_plane.registry.rules.plans import Plan, plan
from control_plane.registry.sources import Sources
from store_client.errors import BadRequest, Refused
from store_client.wire.experiments import CreateExperiment, ExperimentDetail

Write = Callable[[Callable[[Tx], ExperimentDetail]], Awaitable[ExperimentDetail]]
PAUSE_SECONDS = 0.05
"""Between two looks at whether somebody else is done with the id."""


@dataclass(frozen=True)
class Origin:
    """What an experiment begins with: its config, the text of it where it was written, and where the files are."""

    raw: Any
    name: str
    text: str | None = None
    directory: Path | None = None
    twin: str | None = None
    """The experiment with whose first commit it begins."""


@dataclass(frozen=True)
class Creation:
    """Creates experiments for routes and for the examples of a first start."""

    house: House
    seeds: Seeds
    git_root: str = ""
    sources: Sources | None = None

    async def create(self, body: CreateExperiment, write: Write | None = None) -> ExperimentDetail:
        """Check the config, seed the repository, write the row; `write` runs the writing operation as its caller."""
        origin = await self._origin(body)
        decided = replace(plan(body, origin.raw, origin.name), config_text=origin.text)
        make = partial(self._make, decided, origin, write or self.house.write)
        named = body.experiment_id
        if named is None:
            return await make(self.house.mint("exp"))
        await self._must_be_vacant(named)
        # Finished, or taken back, also when its caller goes: until then nobody else may make it.
        return await asyncio.shield(asyncio.create_task(self._alone(named, make)))

    async def _alone(self, experiment_id: str, make: Callable[[str], Awaitable[ExperimentDetail]]) -> ExperimentDetail:
        """Make what nobody else makes meanwhile, in the place of what a process that died left there."""
        while (hold := await asyncio.to_thread(self.seeds.hold, experiment_id)) is None:  # noqa: ASYNC110 - of any process
            await asyncio.sleep(PAUSE_SECONDS)
        try:
            await self._must_be_vacant(experiment_id)
            await asyncio.to_thread(self.seeds.remove, experiment_id)
            return await make(experiment_id)
        finally:
            await asyncio.to_thread(hold.release)

    async def _make(self, decided: Plan, origin: Origin, write: Write, experiment_id: str) -> ExperimentDetail:
        seeded = Seeded(experiment_id, await self._seed(experiment_id, origin))
        try:
            return await write(lambda tx: self._write(tx, decided, seeded))
        except Refused:
            # A refusal wrote nothing, and nobody else made this repository.
            await asyncio.to_thread(self.seeds.remove, experiment_id)
            raise

    async def _must_be_vacant(self, experiment_id: str) -> None:
        await self.house.read(lambda tx: registrations.must_be_vacant(tx, experiment_id))

    async def _origin(self, body: CreateExperiment) -> Origin:
        """What the experiment begins with."""
        if len([one for one in (body.directory, body.source_id, body.clone_of) if one is not None]) > 1:
            raise BadRequest("name one of directory, source_id and clone_of")
        if body.clone_of is not None:
            return await self._twin(body, body.clone_of)
        directory = await self._directory(body)
        if body.config is not None:
            return Origin(body.config, "Experiment" if directory is None else directory.name, directory=directory)
        if directory is None:
            raise BadRequest("an experiment needs a directory, a config, or both")
        return await asyncio.to_thread(lambda: read_origin(directory))

    async def _directory(self, body: CreateExperiment) -> Path | None:
        if body.source_id is not None:
            if self.sources is None:
                raise BadRequest("this server lays out no files")
            return await asyncio.to_thread(self.sources.directory, body.source_id)
        return None if body.directory is None else await asyncio.to_thread(directories.find, body.directory)

    async def _twin(self, body: CreateExperiment, experiment_id: str) -> Origin:
        """The config that another experiment has, as it was written, and its first commit."""
        row = await self.house.read(lambda tx: dict(tx.at(experiment_id).experiment))
        twin = experiment_id if row["base_commit_sha"] is not None else None
        if body.config is not None:
            return Origin(body.config, row["name"], twin=twin)
        return Origin(row["config"], row["name"], row["config_text"], twin=twin)

    async def _seed(self, experiment_id: str, origin: Origin) -> str | None:
        if origin.twin is not None:
            return await asyncio.to_thread(self.seeds.copy, experiment_id, origin.twin)
        if origin.directory is None:
            return None
        return await asyncio.to_thread(self.seeds.seed, experiment_id, origin.directory, self.house.clock())

    def _write(self, tx: Tx, decided: Plan, seeded: Seeded) -> ExperimentDetail:
        return reading.read_detail(experiments.create(tx, decided, seeded), git_root=self.git_root)


def read_origin(directory: Path) -> Origin:
    """A directory with the config that is in it."""
    file = directories.find_config(directory)
    return Origin(directories.read_yaml(file), directory.name, directories.read_text(file), directory)


def host(tx: Tx, experiment_id: str, raw: Any, config_text: str | None = None) -> None:
    """Have the experiment of this id in the store, without workers or groups; one that is there stays as it is."""
    body = CreateExperiment(config=raw)
    decided = replace(plan(body, raw, "Experiment"), config_text=config_text)
    experiments.host(tx, decided, Seeded(experiment_id))
