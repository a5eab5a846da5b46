"""A preemption: the command is told by its signal, has its time to keep a checkpoint, and ends.

Once it has been told, every end of it is a preemption, also one with code 0: only the command knows whether it has
finished or merely stopped, and a job that is run again from its checkpoint loses nothing by it. What had ended before
it was told has ended by itself. Whoever cancels the job meanwhile wins.
"""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class GivingWay:
    """One command that has been told to give way."""

    def __init__(self, launch: Mapping[str, Any], group: int, now: float) -> None:
        self._group = group
        self._number = signal.Signals[launch["preempt_signal"]]
        self.due = now + launch["preempt_grace_seconds"]
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, self._number)

    def is_over(self, now: float) -> bool:
        """Whether the command and all in its group have ended, or its time has."""
        return now >= self.due or not self._lives()

    def may_be_killed(self, now: float) -> bool:
        """Whether it has been told to terminate already, for as long as it asked."""
        return now >= self.due and self._number == signal.SIGTERM

    def _lives(self) -> bool:
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return False
        return True
