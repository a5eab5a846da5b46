"""Keeps a worker host that fails everything from losing more than a few tasks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_LOST = 3


@dataclass
class Breaker:
    """Counts failures of the host's own in a row; a command that crashes is one, a candidate that is no good is none.

    Until something succeeds again, what is in hand and what was lost come to three at most. Then the host rests, tries
    a single task, and rests twice as long after each that fails.
    """

    first_rest_seconds: float = 30.0
    longest_rest_seconds: float = 900.0
    clock: Callable[[], float] = time.monotonic
    fails: int = 0
    _rests_until: float = float("-inf")

    def lets_in(self, in_hand: int) -> bool:
        """Whether one more task may be taken up beside those in hand."""
        if self.fails == 0:
            return True
        if self.fails < MOST_LOST:
            return in_hand + self.fails < MOST_LOST
        return in_hand == 0 and self.clock() >= self._rests_until

    def succeeded(self) -> None:
        """The host can do its work."""
        self.fails = 0

    def failed(self) -> float | None:
        """The rest that follows one more failure of its own, in seconds, if one does."""
        self.fails += 1
        if self.fails < MOST_LOST:
            return None
        doublings = min(self.fails - MOST_LOST, 32)
        rest: float = min(self.first_rest_seconds * 2**doublings, self.longest_rest_seconds)
        self._rests_until = self.clock() + rest
        return rest
