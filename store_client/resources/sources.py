"""What new experiments begin with."""

from typing import IO

from store_client.resources.resource import Resource
from store_client.transport import Message
from store_client.wire.call import PageQuery
from store_client.wire.calls import sources as calls
from store_client.wire.sources import Example, ExampleList, FetchSource, Source, UnmadeList


class Sources(Resource):
    """Calls about files that experiments are made of."""

    async def upload_source(self, archive: IO[bytes]) -> Source:
        """Lay out the files of an open .tar, .tar.gz or .zip."""
        answer: Source = await self._deliver(Message(calls.UPLOAD_SOURCE, self._places, archive=archive))
        return answer

    async def fetch_source(self, body: FetchSource) -> Source:
        """Lay out the files of a repository elsewhere or of an example."""
        answer: Source = await self._send(calls.FETCH_SOURCE, body)
        return answer

    async def read_source(self, source_id: str) -> Source:
        answer: Source = await self._send(calls.READ_SOURCE, source_id=source_id)
        return answer

    async def drop_source(self, source_id: str) -> None:
        await self._send(calls.DROP_SOURCE, source_id=source_id)

    async def list_examples(self) -> tuple[Example, ...]:
        answer: ExampleList = await self._send(calls.LIST_EXAMPLES)
        return answer.examples

    async def list_unmade_experiments(self, limit: int = 50, after: str | None = None) -> UnmadeList:
        """What is registered and not made yet, the oldest first."""
        answer: UnmadeList = await self._send(calls.LIST_UNMADE, query=PageQuery(limit=limit, after=after))
        return answer
