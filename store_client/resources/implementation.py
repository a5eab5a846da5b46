"""What the server is."""

from store_client.resources.resource import Resource
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.implementation import Implementation


class Discovery(Resource):
    """The one call that any client may make before it knows what it talks to."""

    async def discover(self) -> Implementation:
        answer: Implementation = await self._send(DISCOVER)
        return answer
