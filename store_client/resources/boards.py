"""The leaderboard of one experiment."""

from store_client.resources.resource import Resource
from store_client.wire.boards import Leaderboard
from store_client.wire.calls import boards as calls


class Boards(Resource):
    """Calls about variants in the order of what they measured."""

    async def list_leaderboard(self, query: calls.LeaderboardQuery | None = None) -> Leaderboard:
        """One page of variants, sorted and narrowed."""
        answer: Leaderboard = await self._send(calls.LIST_LEADERBOARD, query=query or calls.LeaderboardQuery())
        return answer
