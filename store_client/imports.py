"""Imports whose answer was lost: found again by what they came from (protocol §10.6)."""

from collections.abc import Collection
from typing import IO

from store_client.archives import read_manifest
from store_client.client import ControlPlaneClient
from store_client.errors import NotFound, Unreachable
from store_client.wire.checkpoints import ImportedCheckpoint, is_import_of

READ_BACK = "the server fell silent after the upload; the experiment was found by where it came from"


async def settle_import(
    deployment: ControlPlaneClient, archive: IO[bytes], as_experiment_id: str | None = None
) -> ImportedCheckpoint:
    """Make an experiment from an archive, through a lost answer if need be; Unreachable when it is not there."""
    before = {summary.experiment_id for summary in await deployment.list_experiment_summaries()}
    try:
        return await deployment.import_checkpoint(archive, as_experiment_id)
    except Unreachable:
        found = await find_import(deployment, archive, before - {as_experiment_id or ""})
        if found is None:
            raise
        return ImportedCheckpoint(experiment_id=found, warnings=(READ_BACK,))


async def find_import(deployment: ControlPlaneClient, archive: IO[bytes], before: Collection[str] = ()) -> str | None:
    """The experiment that came from exactly this archive, leaving out those that were there before."""
    manifest = read_manifest(archive)
    for summary in await deployment.list_experiment_summaries():
        if summary.experiment_id not in before:
            try:
                experiment = await deployment.store(summary.experiment_id).read_experiment()
            except NotFound:
                continue  # registered, and hosted elsewhere or not yet
            if is_import_of(experiment, manifest):
                return summary.experiment_id
    return None
