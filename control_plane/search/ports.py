"""What the search asks the other wings: what things say of themselves, and what a caller sees."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from control_plane.db.transaction import Tx


@dataclass(frozen=True)
class Described:
    """One thing and what is said of it; `also` has words to find it by that nobody reads."""

    id: str
    title: str
    at: str
    text: str = ""
    also: str = ""
    scope: str = ""
    """The experiment, where it was not asked for."""


class Wings(Protocol):
    """The other wings of the process."""

    def describe(self, tx: Tx, kind: str, ids: Collection[str]) -> Iterable[Described]:
        """What these things of the transaction's experiment say of themselves; who is not there is passed over."""
        ...

    def tasks(self, tx: Tx, task_id: str) -> Iterable[Described]:
        """The tasks of any experiment that have this id."""
        ...

    def visible(self, tx: Tx) -> Collection[str] | None:
        """The experiments that the caller sees; None for all of them."""
        ...
