"""What every noun stands on: one identity that sends calls to one place."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from store_client.credentials import Bearer
from store_client.errors import Unauthorized
from store_client.transport import Download, Message, Transport
from store_client.wire.call import Call, Query
from store_client.wire.record import Record


class Resource:
    """Sends calls as one identity; `places` are the path parameters that this client fills in by itself."""

    def __init__(self, transport: Transport, bearer: Bearer, **places: str) -> None:
        self.transport = transport
        self.bearer = bearer
        self._places = places

    async def _send(self, call: Call, body: Record | None = None, query: Query | None = None, **places: str) -> Any:
        return await self._deliver(Message(call, {**self._places, **places}, body, query))

    async def _deliver(self, message: Message) -> Any:
        """Send; a refused credential wrote nothing, so another one is tried once where there is one."""
        credential = await self.bearer.current()
        try:
            return await self.transport.send(message, credential)
        except Unauthorized:
            if not await self.bearer.replace(credential):
                raise
        return await self.transport.send(message, await self.bearer.current())

    @asynccontextmanager
    async def _fetch(self, call: Call, query: Query) -> AsyncIterator[Download]:
        message = Message(call, self._places, query=query)
        credential = await self.bearer.current()
        async with AsyncExitStack() as stack:
            try:
                download = await stack.enter_async_context(self.transport.fetch(message, credential))
            except Unauthorized:
                if not await self.bearer.replace(credential):
                    raise
                again = self.transport.fetch(message, await self.bearer.current())
                download = await stack.enter_async_context(again)
            yield download
