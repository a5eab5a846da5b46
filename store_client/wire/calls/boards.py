"""The call behind the leaderboard."""

from typing import Self

from pydantic import Field, model_validator

from store_client.wire.boards import Leaderboard
from store_client.wire.call import Call, PageQuery, Who
from store_client.wire.scalars import Number
from store_client.wire.variants import VariantStatus

COUNTED = 10_000
"""So many variants are counted exactly."""


class LeaderboardQuery(PageQuery):
    """`sort` is number, objective or a metric as metric:NAME; two of `metric`, `at_least`, `at_most` make a range."""

    sort: str = Field(default="number", max_length=220)
    is_ascending: bool = False
    before: str | None = Field(default=None, max_length=400, description="the previous of the page after")
    status: VariantStatus | None = None
    worker: str | None = Field(default=None, max_length=200, description="the id of who executed it")
    idea: str | None = Field(default=None, max_length=200, description="the id of its idea")
    q: str | None = Field(
        default=None, max_length=200, description="words of its idea's slug, of what changed, or an id"
    )
    metric: str | None = Field(default=None, max_length=200, description="whose value lies between the two bounds")
    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        if self.after is not None and self.before is not None:
            raise ValueError("a page comes after a place, or before one")
        return self

    @property
    def sorted_metric(self) -> str | None:
        """The metric of the sort."""
        return self.sort.removeprefix("metric:") if self.sort.startswith("metric:") else None


LIST_LEADERBOARD = Call(
    "list_leaderboard", "GET", "/api/experiments/{experiment_id}/leaderboard", Who.EITHER,
    "Page through variants by any measure", query=LeaderboardQuery, answer=Leaderboard,
)  # fmt: skip

CALLS = (LIST_LEADERBOARD,)
