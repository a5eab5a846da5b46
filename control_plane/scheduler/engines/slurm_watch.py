"""Looks at a Slurm cluster from a thread of its own, so that nobody who asks what it saw waits for it."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from control_plane.edge.rounds import Rounds
from control_plane.scheduler.engines.engine import Key
from control_plane.scheduler.engines.slurm_commands import Slurm, SlurmFailed
from control_plane.scheduler.engines.slurm_text import Entry, Node, read_nodes, read_queue

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
STALE_SECONDS = 15.0
KILL_SECONDS = 60.0
"""So long has an agent to end its command and to say so, before Slurm ends both."""


@dataclass(frozen=True)
class View:
    """The cluster as one look saw it; `at` is when that look began."""

    at: float = float("-inf")
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class _Asked:
    """When somebody wanted a job to end, and how long it may take over that."""

    at: float
    until: float

    def by(self, until: float) -> "_Asked":
        return _Asked(self.at, min(self.until, until))


class Watch(Rounds):
    """The newest view, and whom to stop.

    `news` is called when a job of ours has ended or vanished, and `beside` before every look.
    """

    def __init__(
        self, slurm: Slurm, deployment: str, news: Callable[[Collection[Key]], None], beside: Callable[[], None]
    ) -> None:
        super().__init__("slurm-watch", 0.0)
        self._slurm, self._deployment, self._news, self._beside = slurm, deployment, news, beside
        self._view = View()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._asked: dict[Key, _Asked] = {}
        self._signalled: set[Key] = set()
        self._wake = threading.Event()
        self._wake.set()
        self._has_started = self._is_silent = False

    @property
    def view(self) -> View:
        """What was seen last; the first who asks sets the watch going."""
        self.start()
        return self._view

    @property
    def is_stale(self) -> bool:
        """Whether Slurm has not answered for a while."""
        return time.monotonic() - self._view.at > STALE_SECONDS

    def start(self) -> None:
        with self._lock:
            is_first, self._has_started = not self._has_started and not self.stopping.is_set(), True
        if is_first:
            super().start()

    def stop(self, seconds: float | None = None) -> None:
        self.stopping.set()
        self._wake.set()
        super().stop(seconds)

    def look(self) -> View:
        """Look now; SlurmFailed when nothing can be seen."""
        with self._looking:
            before, at = self._view, time.monotonic()
            entries = read_queue(self._slurm.queue(), self._deployment)
            nodes = read_nodes(self._slurm.nodes(), self._slurm.partition)
            self._view = View(at, entries, nodes)
        ended = [key for key, entry in before.entries.items() if entry.lives and not _lives(entries.get(key))]
        if ended:
            self._news(ended)
        return self._view

    def end(self, key: Key, patience_seconds: float = KILL_SECONDS) -> None:
        """Have a job ended, by itself within so long; asking again can only shorten that."""
        now = time.monotonic()
        with self._lock:
            known = self._asked.get(key)
            asked = _Asked(now, now + patience_seconds) if known is None else known.by(now + patience_seconds)
            self._asked[key] = asked
        if known is None:
            self._wake.set()

    def round(self) -> int:
        """Wait until it is time, or somebody is to be ended; then look."""
        self._wake.wait(LOOK_SECONDS)
        self._wake.clear()
        if not self.stopping.is_set():
            self._see()
        return 0

    def _see(self) -> None:
        try:
            self._beside()
            self._end_asked(self.look())
        except SlurmFailed as error:
            log = logger.debug if self._is_silent else logger.warning
            log("Slurm cannot be asked: %s", error)
            self._is_silent = True
        else:
            self._is_silent = False

    def _end_asked(self, view: View) -> None:
        """Signal the agents of those to end, take back what waits, and end what does not end by itself."""
        now = time.monotonic()
        with self._lock:
            living = {key for key in self._asked if _lives(view.entries.get(key))}
            self._asked = {key: asked for key, asked in self._asked.items() if key in living or asked.at >= view.at}
            self._signalled &= living
            asked = {key: self._asked[key] for key in living}
        states = {key: view.entries[key].state for key in living}
        gently = [key for key in living - self._signalled if states[key] == "RUNNING"]
        firmly = [key for key in living if states[key] == "PENDING" or now > asked[key].until]
        if gently:
            self._slurm.signal([view.entries[key].number for key in gently])
            self._signalled.update(gently)  # not before it is known: what did not arrive is sent again
        if firmly:
            self._slurm.cancel([view.entries[key].number for key in firmly])


def _lives(entry: Entry | None) -> bool:
    return entry is not None and entry.lives
