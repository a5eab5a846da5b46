"""The orchestrator's decisions, taken by hand."""

from store_client.resources.resource import Resource
from store_client.wire.calls import decisions as calls
from store_client.wire.decisions import Backlog
from store_client.wire.variants import Variant


class Decisions(Resource):
    """Calls about what waits for a decision."""

    async def read_backlog(self) -> Backlog:
        """What waits for each decision, and what the policies say."""
        answer: Backlog = await self._send(calls.READ_BACKLOG)
        return answer

    async def publish_variant(self, variant_id: str) -> Variant:
        """Integrate a variant: its canonical commit, its branch and its record; again changes nothing."""
        answer: Variant = await self._send(calls.PUBLISH_VARIANT, variant_id=variant_id)
        return answer
