"""Lists that the server gives out a page at a time, as one."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

PAGE = 500
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """Some of a list, and where it goes on."""

    @property
    def items(self) -> tuple[T_co, ...]: ...

    @property
    def next(self) -> str | None: ...


async def first(read: Callable[[str | None, int], Awaitable[Page[T]]], most: int) -> list[T]:
    """So many of a list at most; `read` fetches a page by the `next` of the one before and by its size."""
    found: list[T] = []
    after: str | None = None
    while len(found) < most:
        page = await read(after, min(PAGE, most - len(found)))
        found += page.items
        after = page.next
        if after is None:
            break
    return found
