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
from store_client.errors import BadRequest, Refused
from store_client.wire.experiments import CreateExperiment, ExperimentDetail

Write = Callable[[Callable[[Tx], ExperimentDetail]], Awaitable[ExperimentDetail]]
PAUSE_SECONDS = 0.05
"""Between two looks at whether somebody else is done with the id."""


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
        make = partial(self._make, decided, directory, write or self.house.write)
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

    async def _make(self, decided: Plan, directory: Path | None, write: Write, experiment_id: str) -> ExperimentDetail:
        seeded = Seeded(experiment_id, await self._seed(experiment_id, directory))
        try:
            return await write(lambda tx: self._write(tx, decided, seeded))
        except Refused:
            # A refusal wrote nothing, and nobody else made this repository.
            await asyncio.to_thread(self.seeds.remove, experiment_id)
            raise

    async def _must_be_vacant(self, experiment_id: str) -> None:
        await self.house.read(lambda tx: registrations.must_be_vacant(tx, experiment_id))

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
