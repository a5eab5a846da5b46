"""Ideas: draft, make ready, read."""

from collections.abc import Iterable

from store_client.resources.resource import Resource
from store_client.wire.calls import ideas as calls
from store_client.wire.ideas import CreatedIdea, CreateIdea, Idea, IdeaDetail, IdeaPage, IdeaState


class Ideas(Resource):
    """Calls about the ideas of one experiment."""

    async def create_idea(self, body: CreateIdea) -> CreatedIdea:
        answer: CreatedIdea = await self._send(calls.CREATE_IDEA, body)
        return answer

    async def list_ideas(self, state: IdeaState | None = None) -> tuple[Idea, ...]:
        answer: tuple[Idea, ...] = await self._send(calls.LIST_IDEAS, query=calls.IdeaFilter(state=state))
        return answer

    async def read_idea(self, idea_id: str) -> Idea:
        answer: Idea = await self._send(calls.READ_IDEA, idea_id=idea_id)
        return answer

    async def mark_idea_ready(self, idea_id: str) -> Idea:
        answer: Idea | None = await self._send(calls.MARK_IDEA_READY, idea_id=idea_id)
        return answer or await self.read_idea(idea_id)

    async def list_idea_page(
        self,
        state: IdeaState | None = None,
        after: str | None = None,
        limit: int = 50,
        *,
        slugs: Iterable[str] | None = None,
        created_by: str | None = None,
    ) -> IdeaPage:
        """One page of ideas, newest first; with `slugs` of those that are called so, a hundred names at most."""
        named = None if slugs is None else ",".join(slugs)
        query = calls.IdeaPageQuery(state=state, after=after, limit=limit, slugs=named, created_by=created_by)
        answer: IdeaPage = await self._send(calls.LIST_IDEA_PAGE, query=query)
        return answer

    async def read_idea_detail(self, idea_id: str) -> IdeaDetail:
        answer: IdeaDetail = await self._send(calls.READ_IDEA_DETAIL, idea_id=idea_id)
        return answer
