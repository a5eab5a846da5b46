"""Searching a deployment."""

from store_client.resources.resource import Resource
from store_client.wire.calls import search as calls
from store_client.wire.search import FoundKind, SearchPage


class Search(Resource):
    """The call that finds things by their words."""

    async def search(
        self,
        q: str,
        of_experiment: str | None = None,
        kind: FoundKind | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> SearchPage:
        """Whatever has all of these words, the newest first, a page at a time."""
        query = calls.SearchQuery(q=q, of_experiment=of_experiment, kind=kind, after=after, limit=limit)
        answer: SearchPage = await self._send(calls.SEARCH, query=query)
        return answer
