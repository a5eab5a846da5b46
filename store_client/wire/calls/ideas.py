"""Calls about ideas (protocol §5.1)."""

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.ideas import CreatedIdea, CreateIdea, Idea, IdeaDetail, IdeaPage, IdeaState

P = "/v0/experiments/{experiment_id}/ideas"
A = "/api/experiments/{experiment_id}/ideas"
MOST_SLUGS = 100


class IdeaFilter(Query):
    state: IdeaState | None = None


class IdeaPageQuery(PageQuery):
    state: IdeaState | None = None
    slugs: str | None = Field(default=None, max_length=20_000, description="only ideas so called; commas between")

    created_by: str | None = Field(default=None, description="worker id, or 'me'")

    @property
    def names(self) -> tuple[str, ...] | None:
        return None if self.slugs is None else tuple(self.slugs.split(","))[:MOST_SLUGS]


CREATE_IDEA = Call("create_idea", "POST", P, Who.WORKER, "Draft an idea", body=CreateIdea, answer=CreatedIdea)
LIST_IDEAS = Call("list_ideas", "GET", P, Who.EITHER, "List ideas", query=IdeaFilter, answer=tuple[Idea, ...])
READ_IDEA = Call("read_idea", "GET", P + "/{idea_id}", Who.EITHER, "Read an idea", answer=Idea)
MARK_IDEA_READY = Call(
    "mark_idea_ready", "POST", P + "/{idea_id}/mark-ready", Who.WORKER, "Make an idea dispatchable", answer=Idea,
    is_answer_optional=True,
)  # fmt: skip
LIST_IDEA_PAGE = Call(
    "list_idea_page", "GET", A, Who.EITHER, "Page through ideas, newest first", query=IdeaPageQuery, answer=IdeaPage
)
READ_IDEA_DETAIL = Call(
    "read_idea_detail", "GET", A + "/{idea_id}", Who.EITHER, "Read an idea with its names", answer=IdeaDetail
)

CALLS = (CREATE_IDEA, LIST_IDEAS, READ_IDEA, MARK_IDEA_READY, LIST_IDEA_PAGE, READ_IDEA_DETAIL)
