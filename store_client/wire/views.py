"""Saved views: names that a person gives to what a list is narrowed to."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from store_client.wire.record import Body, Record
from store_client.wire.scalars import NonEmpty, Text, Timestamp

ViewedList = Literal["tasks", "ideas", "variants", "events", "jobs"]
VIEWED: tuple[ViewedList, ...] = ("tasks", "ideas", "variants", "events", "jobs")
MOST_VIEWS = 50


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a name is one line of what can be read")
    return text


ViewName = Annotated[
    str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True), AfterValidator(_one_line)
]
ViewedQuery = Annotated[Text, StringConstraints(min_length=1, max_length=1000, pattern='^[!-"$-~]+$')]
"""Of an address between its question mark and its number sign: printable ASCII."""


class SaveView(Body):
    list: ViewedList
    name: ViewName
    query: ViewedQuery = Field(description="what stands after the question mark of the list's address")
    is_default: bool = False


class ChangeView(Body):
    """What is left out stays as it is."""

    name: ViewName | None = None
    query: ViewedQuery | None = None
    is_default: bool | None = None


class SavedView(Record):
    view_id: NonEmpty
    list: ViewedList
    name: str
    query: str
    is_default: bool = Field(description="whether the list begins with it; of a list at most one")
    created_at: Timestamp


class SavedViews(Record):
    views: tuple[SavedView, ...]
