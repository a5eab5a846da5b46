"""The writes of a round: committed together, each followed by what its answer means.

What is to be done of one kind is done for all at once, which costs a fraction of one after the other. Where that is
refused because of one of them, each is tried by itself, so that one that is refused keeps none of the others back.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from control_plane.db.transaction import Tx
from control_plane.db.writer import Writer
from store_client.errors import Unavailable

AT_ONCE = 128
"""So many in one commit: between two of them others get their turn."""
Then = Callable[[Any], object]
Otherwise = Callable[[BaseException], object]
Act = Callable[[Tx, Sequence[Any]], Sequence[Any]]
"""What is done for several things at once; an answer for each."""
Item = tuple[Any, Then, Otherwise]


@dataclass(frozen=True)
class _Group:
    """Things that are done at once."""

    act: Act
    items: list[Item] = field(default_factory=list)

    def work(self, tx: Tx) -> Sequence[Any]:
        return self.act(tx, [thing for thing, _, _ in self.items])

    def one_by_one(self) -> "list[_Group]":
        return [_Group(self.act, [item]) for item in self.items]

    def answer(self, answers: Sequence[Any]) -> None:
        for (_, then, _), answer in zip(self.items, answers, strict=True):
            then(answer)

    def fail(self, error: BaseException) -> None:
        for _, _, otherwise in self.items:
            otherwise(error)


@dataclass
class Writes:
    """What is written at the end of a round."""

    writer: Writer
    _groups: list[_Group] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, work: Callable[[Tx], Any], then: Then, otherwise: Otherwise) -> None:
        """Write this; `then` is told the answer after the commit, `otherwise` why it failed."""
        self._groups.append(_Group(_do, [(work, then, otherwise)]))

    def add_to(self, act: Act, thing: Any, then: Then, otherwise: Otherwise) -> None:
        """The same for a thing that is done together with those before it, if the same is to be done for them."""
        last = self._groups[-1] if self._groups else None
        if last is None or last.act is not act or len(last.items) >= AT_ONCE:
            last = _Group(act)
            self._groups.append(last)
        last.items.append((thing, then, otherwise))

    def commit(self) -> None:
        """Write everything, and go on from there."""
        again = self._write(self._groups)
        self._write([one for group in again for one in group.one_by_one()])

    def _write(self, groups: Sequence[_Group]) -> list[_Group]:
        """Write these, and answer; the groups that are to be tried one by one."""
        again = []
        futures: list[Future[Sequence[Any]]] = []
        for some in _commits(groups):
            futures += self.writer.submit_all([one.work for one in some])
        for group, future in zip(groups, futures, strict=True):
            error = future.exception()
            if error is None:
                group.answer(future.result())
            elif len(group.items) == 1 or isinstance(error, Unavailable):
                group.fail(error)
            else:
                again.append(group)
        return again


def _commits(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """The groups of each commit, in order."""
    some: list[_Group] = []
    count = 0
    for group in groups:
        if count and count + len(group.items) > AT_ONCE:
            yield some
            some, count = [], 0
        some.append(group)
        count += len(group.items)
    if some:
        yield some


def _do(tx: Tx, works: Sequence[Callable[[Tx], Any]]) -> list[Any]:
    return [work(tx) for work in works]
