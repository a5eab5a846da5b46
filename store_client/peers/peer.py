"""One question that a peer cannot answer in one call: who asks, about what, and what is known already."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from operator import itemgetter
from typing import TypeVar

from store_client.errors import BadRequest, NotFound
from store_client.peers.copies import Copies
from store_client.peers.copy import Copy, Registry, Send
from store_client.peers.kept import Kept
from store_client.wire.call import Query
from store_client.wire.record import Record

K = TypeVar("K", bound=Kept)
Key = tuple[float, ...]


@dataclass(frozen=True)
class Peer:
    """`send` sends a call of the protocol as the caller; `caller` is its worker id, or admin."""

    send: Send
    caller: str
    copies: Copies
    places: Mapping[str, str]
    body: Record | None = None
    query: Query | None = None

    @property
    def experiment_id(self) -> str:
        return self.places["experiment_id"]

    async def copy(self) -> Copy:
        """The experiment as it is now; the caller's credential is checked by reading its events."""
        copy = self.copies.of(self.experiment_id)
        await copy.refresh(self.send)
        self.copies.shrink()
        return copy

    async def registry(self) -> Registry:
        return await self.copies.of(self.experiment_id).refresh_registry(self.send)


def found(kept: Mapping[str, K], id_: str) -> K:
    if id_ not in kept:
        raise NotFound(f"there is no {id_}")
    return kept[id_]


@dataclass(frozen=True)
class Cut:
    """One page: `after` is the id of the last entity before it."""

    after: str | None
    limit: int


def page(
    every: Mapping[str, K], chosen: Iterable[K], order: Callable[[K], Key], cut: Cut
) -> tuple[list[K], str | None]:
    """The entities of a page in their order, of which no two are equal, and what the next page comes after."""
    if cut.after is not None and cut.after not in every:
        raise BadRequest("after is not the next of an earlier page")
    beyond = order(every[cut.after]) if cut.after is not None else ()
    placed = ((order(each), each) for each in chosen)
    rest = nsmallest(cut.limit + 1, (pair for pair in placed if pair[0] > beyond), key=itemgetter(0))
    found = [each for _, each in rest[: cut.limit]]
    return found, found[-1].id if len(rest) > cut.limit else None
