"""Acts on many tasks at once."""

from store_client.resources.resource import Resource
from store_client.wire.bulk import (
    BeginBulkAct,
    BulkAct,
    BulkActPage,
    BulkItemPage,
    BulkOutcome,
    BulkPreview,
    ChooseTasks,
)
from store_client.wire.call import PageQuery
from store_client.wire.calls import bulk as calls


class BulkActs(Resource):
    """Calls about one act on every task that a filter chooses."""

    async def preview_bulk_act(self, body: ChooseTasks) -> BulkPreview:
        """How many tasks an act would concern, and the first of them; changes nothing."""
        answer: BulkPreview = await self._send(calls.PREVIEW_BULK_ACT, body)
        return answer

    async def begin_bulk_act(self, body: BeginBulkAct) -> BulkAct:
        """Begin it; InvalidPrecondition when it would concern other than the expected number of tasks."""
        answer: BulkAct = await self._send(calls.BEGIN_BULK_ACT, body)
        return answer

    async def list_bulk_acts(self, after: str | None = None, limit: int = 50) -> BulkActPage:
        answer: BulkActPage = await self._send(calls.LIST_BULK_ACTS, query=PageQuery(after=after, limit=limit))
        return answer

    async def read_bulk_act(self, act_id: str) -> BulkAct:
        answer: BulkAct = await self._send(calls.READ_BULK_ACT, act_id=act_id)
        return answer

    async def list_bulk_items(
        self, act_id: str, outcome: BulkOutcome | None = None, after: str | None = None, limit: int = 50
    ) -> BulkItemPage:
        query = calls.BulkItemQuery(outcome=outcome, after=after, limit=limit)
        answer: BulkItemPage = await self._send(calls.LIST_BULK_ITEMS, query=query, act_id=act_id)
        return answer

    async def undo_bulk_act(self, act_id: str) -> BulkAct:
        answer: BulkAct = await self._send(calls.UNDO_BULK_ACT, act_id=act_id)
        return answer
