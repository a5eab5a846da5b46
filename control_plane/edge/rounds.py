"""What a process does now and then: one round after the other, on a thread of its own."""

import logging
import threading
from abc import ABC, abstractmethod

logger = logging.getLogger(__name__)


class Rounds(ABC):
    """Makes rounds from `start` until `stop`; one that fails is told of, and the next is made all the same."""

    full: int | None = None
    """A round that did so much leaves more to do: the next follows at once."""

    def __init__(self, name: str, pause_seconds: float, first_seconds: float = 0) -> None:
        self.stopping = threading.Event()
        self._pause_seconds, self._first_seconds = pause_seconds, first_seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def round(self) -> int:
        """Do what is due; how much that was."""

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Begin no further round, and wait for the one under way; no longer than so many seconds, if they are given."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        self.stopping.wait(self._first_seconds)
        while not self.stopping.is_set():
            self.stopping.wait(0 if self._done() == self.full else self._pause_seconds)

    def _done(self) -> int:
        try:
            return self.round()
        except Exception as error:
            logger.warning("%s: a round failed, the next comes: %s", self._thread.name, error, exc_info=error)
            return 0
