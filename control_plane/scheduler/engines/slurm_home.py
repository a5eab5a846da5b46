"""What the engine of a cluster is told about the deployment that it works for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from control_plane.scheduler.rules.board import Slot


class Book(Protocol):
    """Where the slots of a cluster are written down, and what people have decided about them."""

    def heed(self) -> None:
        """Read what people keep back."""
        ...

    def keep_back(self, slots: Sequence[Slot]) -> list[Slot]:
        """The slots, without those that people keep back."""
        ...

    def note(self, slots: Sequence[Slot]) -> None:
        """The slots are these now; never waits."""
        ...


class NoBook:
    """Nobody else wants to know, and nobody decides."""

    def heed(self) -> None:
        """Nothing is kept back."""

    def keep_back(self, slots: Sequence[Slot]) -> list[Slot]:
        return list(slots)

    def note(self, slots: Sequence[Slot]) -> None:
        """It is not written down."""


@dataclass(frozen=True)
class Home:
    """What agents are told about us, and what they must have: our address, a Python with Switchyard, a folder."""

    url: str
    python: str
    scratch: str
    deployment: str
    ticket: Callable[[str, int], str]
    book: Book
