"""Groups as the console shows them."""

from store_client.resources.resource import Resource
from store_client.wire.calls import groups as calls
from store_client.wire.groups import GroupDetail, GroupSummaryList


class Groups(Resource):
    """The groups of one experiment, with everybody in them."""

    async def list_group_details(self, query: calls.GroupQuery | None = None) -> GroupSummaryList:
        """Groups with how many are in them; without a query, all of them."""
        asked = query or calls.GroupQuery()
        answer: GroupSummaryList = await self._send(calls.LIST_GROUP_DETAILS, query=asked)
        return answer

    async def read_group_detail(self, group_id: str) -> GroupDetail:
        """A group with everybody in it, and by which way."""
        answer: GroupDetail = await self._send(calls.READ_GROUP_DETAIL, group_id=group_id)
        return answer
