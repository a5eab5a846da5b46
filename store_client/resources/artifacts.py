"""Artifacts: files in, files out, streamed."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import anyio

from store_client.digests import content_digest
from store_client.download import Download
from store_client.resources.resource import Resource
from store_client.transport import Message, Upload
from store_client.wire.artifacts import ArtifactLine, ArtifactPage, DepositedArtifact
from store_client.wire.call import PageQuery
from store_client.wire.calls import artifacts as calls


class Artifacts(Resource):
    """Calls about the artifacts of one experiment."""

    async def deposit_artifact(self, upload: Upload) -> DepositedArtifact:
        """Store a file; repeating it stores another copy under another address.

        Its SHA-256 goes with it, so that a server that checks it refuses bytes that were changed on the way.
        """
        digest = await anyio.to_thread.run_sync(content_digest, upload.content)
        if digest is not None:
            upload = replace(upload, headers={**upload.headers, "Content-Digest": digest})
        answer: DepositedArtifact = await self._deliver(Message(calls.DEPOSIT_ARTIFACT, self._places, upload=upload))
        return answer

    def fetch_artifact(self, uri: str) -> AbstractAsyncContextManager[Download]:
        """One's own file, as the protocol gives it out: `async with store.fetch_artifact(uri) as download`."""
        return self._fetch(calls.FETCH_ARTIFACT, calls.ByUri(uri=uri))

    def read_artifact(self, uri: str) -> AbstractAsyncContextManager[Download]:
        """A file that an idea or variant of the experiment cites, to any of its workers."""
        return self._fetch(calls.READ_ARTIFACT, calls.ByUri(uri=uri))

    async def read_artifact_info(self, uri: str, *, with_owner: bool = False) -> ArtifactLine:
        query = calls.InfoQuery(uri=uri, with_owner=with_owner)
        answer: ArtifactLine = await self._send(calls.READ_ARTIFACT_INFO, query=query)
        return answer

    async def list_artifacts(self, limit: int = 50, after: str | None = None) -> ArtifactPage:
        """Every file of the experiment, the newest first, for its administrators."""
        answer: ArtifactPage = await self._send(calls.LIST_ARTIFACTS, query=PageQuery(limit=limit, after=after))
        return answer
