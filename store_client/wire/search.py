"""What a search finds: one line for each thing, whatever it is."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Record

FoundKind = Literal["experiment", "idea", "variant", "task", "job", "worker"]
SEARCHED: tuple[FoundKind, ...] = ("experiment", "idea", "variant", "job", "worker")
"""What is found by its words; a task has none but its id."""


class Found(Record):
    """One thing that was found; `text` is the beginning of what is said of it."""

    kind: FoundKind
    id: str
    experiment_id: str
    experiment_slug: str
    experiment_name: str
    title: str
    text: str = ""
    at: str = Field(description="when it was made")


class SearchPage(Record):
    """A page of what was found, the newest first."""

    exact: tuple[Found, ...] = Field(default=(), description="whatever has just this id; on the first page")
    items: tuple[Found, ...] = ()
    next: str | None = None
