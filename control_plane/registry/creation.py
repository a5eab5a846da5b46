"""Making an experiment whole: its repository on disk first, then its row."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.registry import directories
from control_plane.registry.operations import experiments, reading, registrations
from control_plane.registry.operations.experiments import Seeded
from control_plane.registry.ports import Seeds
from control_plane.registry.rules.plans import Plan, plan
from store_client.errors import BadRequest, Refused
from store_client.wire.experiments import CreateExperiment, ExperimentDetail

Write = Callable[[Callable[[Tx], ExperimentDetail]], Awaitable[ExperimentDetail]]


@dataclass(frozen=True)
class Creation:
    """Creates experiments for routes and for the examples of a first start."""

    house: House
    seeds: Seeds
    git_root: str = ""

    async def create(self, body: CreateExperiment, write: Write | None = None) -> ExperimentDetail:
        """Check the config, seed the repository, write the row; `write` runs the writing operation as its caller."""
        directory = None if body.directory is None else await asyncio.to_thread(directories.find, body.directory)
        decided = plan(body, await self._config(body, directory), directory.name if directory else "Experiment")
        decided = replace(decided, config_text=await self._text(body, directory))
        experiment_id = await self._id(body)
        seeded = Seeded(experiment_id, await self._seed(experiment_id, directory))
        try:
            return await (write or self.house.write)(lambda tx: self._write(tx, decided, seeded))
        except Refused:
            # A refusal wrote nothing, so nobody will ever know of this repository, unless others made the experiment.
            if not await self.house.read(lambda tx: experiments.exists(tx.at(experiment_id))):
                await asyncio.to_thread(self.seeds.remove, experiment_id)
            raise

    async def _id(self, body: CreateExperiment) -> str:
        """A new id, or the registered one under which nobody has made an experiment yet."""
        named = body.experiment_id
        if named is None:
            return self.house.mint("exp")
        await self.house.read(lambda tx: registrations.must_be_vacant(tx, named))
        return named

    async def _config(self, body: CreateExperiment, directory: Path | None) -> Any:
        if body.config is not None:
            return body.config
        if directory is None:
            raise BadRequest("an experiment needs a directory, a config, or both")
        return await asyncio.to_thread(directories.read_config, directory)

    async def _text(self, body: CreateExperiment, directory: Path | None) -> str | None:
        """The config as it was written, where it was not given as a value."""
        if body.config is not None or directory is None:
            return None
        return await asyncio.to_thread(lambda: directories.read_text(directories.find_config(directory)))

    async def _seed(self, experiment_id: str, directory: Path | None) -> str | None:
        if directory is None:
            return None
        return await asyncio.to_thread(self.seeds.seed, experiment_id, directory, self.house.clock())

    def _write(self, tx: Tx, decided: Plan, seeded: Seeded) -> ExperimentDetail:
        return reading.read_detail(experiments.create(tx, decided, seeded), git_root=self.git_root)


def host(tx: Tx, experiment_id: str, raw: Any, config_text: str | None = None) -> None:
    """Have the experiment of this id in the store, without workers or groups; one that is there stays as it is."""
    body = CreateExperiment(config=raw)
    decided = replace(plan(body, raw, "Experiment"), config_text=config_text)
    experiments.host(tx, decided, Seeded(experiment_id))
