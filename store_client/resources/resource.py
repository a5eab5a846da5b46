"""What every noun stands on: one identity that sends calls to one place."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from store_client.credentials import Bearer
from store_client.download import Download
from store_client.errors import Unauthorized
from store_client.peers.answers import SAME, answer_of
from store_client.peers.peer import Peer
from store_client.transport import Message, Transport
from store_client.wire.call import Call, Query
from store_client.wire.record import Record


class Resource:
    """Sends calls as one identity; `places` are the path parameters that this client fills in by itself."""

    def __init__(self, transport: Transport, bearer: Bearer, **places: str) -> None:
        self.transport = transport
        self.bearer = bearer
        self._places = places

    async def is_peer(self) -> bool:
        """Whether the server speaks the protocol alone, so that some calls raise NotOffered."""
        return await self.transport.is_peer()

    async def _send(self, call: Call, body: Record | None = None, query: Query | None = None, **places: str) -> Any:
        return await self._deliver(Message(call, {**self._places, **places}, body, query))

    async def _deliver(self, message: Message) -> Any:
        """Ask; a call of ours is asked of a peer in the protocol's words."""
        if not message.call.is_ours or not await self.transport.is_peer():
            return await self._ask(message)
        if message.call.name in SAME:
            return await self._ask(replace(message, call=SAME[message.call.name]))
        answer = answer_of(message.call)
        caller = (await self.bearer.current()).partition(":")[0]
        return await answer(
            Peer(self._send, caller, self.transport.copies, message.places, message.body, message.query)
        )

    async def _ask(self, message: Message) -> Any:
        """Send; a refused credential wrote nothing, so another one is tried once where there is one."""
        credential = await self.bearer.current()
        try:
            return await self.transport.send(message, credential)
        except Unauthorized:
            if not await self.bearer.replace(credential):
                raise
        return await self.transport.send(message, await self.bearer.current())

    @asynccontextmanager
    async def _fetch(self, call: Call, query: Query, **places: str) -> AsyncIterator[Download]:
        if call.is_ours and await self.transport.is_peer():
            call = SAME[call.name] if call.name in SAME else _must_be_offered(call)
        message = Message(call, {**self._places, **places}, query=query)
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


def _must_be_offered(call: Call) -> Call:
    """NotOffered for a file that no call of the protocol gives out."""
    answer_of(call)
    return call
