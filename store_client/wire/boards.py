"""The leaderboard: variants by any of their measures, narrowed, page by page in both directions."""

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.variants import VariantDetail


class Leaderboard(Record):
    """One page of it. A page may hold fewer than asked for though more follow: so many have been looked through."""

    items: tuple[VariantDetail, ...]
    next: str | None = None
    previous: str | None = None
    total: int | None = Field(default=None, description="how many the filters admit; absent when that is not counted")
    is_more: bool = Field(default=False, description="whether the total is only how far was counted")
