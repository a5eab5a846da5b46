"""How a deployment does."""

from store_client.resources.resource import Resource
from store_client.wire.calls import health as calls
from store_client.wire.health import Health


class HealthOfDeployment(Resource):
    """The call about how the parts do."""

    async def read_health(self) -> Health:
        """Every part of the control plane, each asked for itself."""
        answer: Health = await self._send(calls.READ_HEALTH)
        return answer
