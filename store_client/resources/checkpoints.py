"""Checkpoints: whole experiments as archives, streamed both ways."""

from contextlib import AbstractAsyncContextManager
from typing import IO

from store_client.download import Download
from store_client.resources.resource import Resource
from store_client.transport import Message
from store_client.wire.call import Call
from store_client.wire.calls import checkpoints as calls
from store_client.wire.checkpoints import CheckpointList, CheckpointReport, ImportedCheckpoint


class Checkpoints(Resource):
    """Calls about the archives of one experiment."""

    def export_checkpoint(self, format_version: str | None = None) -> AbstractAsyncContextManager[Download]:
        """The whole experiment, for the admin bearer: `async with store.export_checkpoint() as download`."""
        return self._fetch(calls.EXPORT_CHECKPOINT, calls.Format(format_version=format_version))

    def save_checkpoint(self, format_version: str | None = None) -> AbstractAsyncContextManager[Download]:
        """The same for the experiment's own admins."""
        return self._fetch(calls.SAVE_CHECKPOINT, calls.Format(format_version=format_version))

    async def list_checkpoints(self) -> CheckpointList:
        """The archives that the server wrote by itself."""
        answer: CheckpointList = await self._send(calls.LIST_CHECKPOINTS)
        return answer

    def fetch_checkpoint(self, name: str) -> AbstractAsyncContextManager[Download]:
        """One of them."""
        return self._fetch(calls.FETCH_CHECKPOINT, calls.Format(), name=name)

    async def delete_checkpoint(self, name: str) -> None:
        """Delete one of them for good."""
        await self._send(calls.DELETE_CHECKPOINT, name=name)


class CheckpointImports(Resource):
    """Calls that make experiments from archives."""

    async def import_checkpoint(self, archive: IO[bytes], as_experiment_id: str | None = None) -> ImportedCheckpoint:
        """Make an experiment from an open file, for the admin bearer; `imports.py` settles it after a silence."""
        return await self._load(calls.IMPORT_CHECKPOINT, archive, as_experiment_id)

    async def load_checkpoint(self, archive: IO[bytes], as_experiment_id: str | None = None) -> ImportedCheckpoint:
        """The same for the deployment's admins."""
        return await self._load(calls.LOAD_CHECKPOINT, archive, as_experiment_id)

    async def inspect_checkpoint(self, archive: IO[bytes]) -> CheckpointReport:
        """What an archive holds and what is to be known of it, checked as its import would; nothing is made."""
        message = Message(calls.INSPECT_CHECKPOINT, self._places, archive=archive)
        answer: CheckpointReport = await self._deliver(message)
        return answer

    async def _load(self, call: Call, archive: IO[bytes], as_experiment_id: str | None) -> ImportedCheckpoint:
        query = calls.Landing(as_experiment_id=as_experiment_id)
        answer: ImportedCheckpoint = await self._deliver(Message(call, self._places, query=query, archive=archive))
        return answer
