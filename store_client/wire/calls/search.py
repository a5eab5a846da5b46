"""The call that finds things by their words, in every experiment that the caller sees."""

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Who
from store_client.wire.search import FoundKind, SearchPage


class SearchQuery(PageQuery):
    """Everything that has all of the words of `q`; where nothing has them, what has words that begin with them."""

    q: str = Field(min_length=1, max_length=200, description="words, an id, or the beginning of a commit")
    of_experiment: str | None = Field(default=None, max_length=200, description="an experiment's id: only there")
    kind: FoundKind | None = None


SEARCH = Call(
    "search", "GET", "/api/search", Who.EITHER, "Find by id, name, commit or text",
    query=SearchQuery, answer=SearchPage, is_for_members=True,
)  # fmt: skip

CALLS = (SEARCH,)
