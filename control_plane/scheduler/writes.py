"""The writes of a round: committed together, each followed by what its answer means."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from control_plane.db.transaction import Tx
from control_plane.db.writer import Writer

AT_ONCE = 128
"""So many in one commit: between two of them others get their turn."""
Then = Callable[[Any], object]
Otherwise = Callable[[BaseException], object]


@dataclass
class Writes:
    """What is written at the end of a round."""

    writer: Writer
    _works: list[Callable[[Tx], Any]] = field(default_factory=list)
    _sequels: list[tuple[Then, Otherwise]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._works)

    def add(self, work: Callable[[Tx], Any], then: Then, otherwise: Otherwise) -> None:
        """Write this; `then` is told the answer after the commit, `otherwise` why it failed."""
        self._works.append(work)
        self._sequels.append((then, otherwise))

    def commit(self) -> None:
        """Write everything, and go on from there."""
        if not self._works:
            return
        futures: list[Future[Any]] = []
        for at in range(0, len(self._works), AT_ONCE):
            futures += self.writer.submit_all(self._works[at : at + AT_ONCE])
        for future, (then, otherwise) in zip(futures, self._sequels, strict=True):
            error = future.exception()
            if error is None:
                then(future.result())
            else:
                otherwise(error)
