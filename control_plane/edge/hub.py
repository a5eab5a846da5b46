"""Who waits for the log: one generation counter that commits wake, so that waiting costs no thread and no query."""

import asyncio
import contextlib
from collections.abc import Callable

from control_plane.db.tables import DEPLOYMENT


class Hub:
    """Wakes every waiter of an event loop when something was committed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[asyncio.Event, str] = {}
        self._is_closed = False
        self._listeners: tuple[Callable[[frozenset[str]], None], ...] = ()

    def start(self) -> None:
        """Remember the running event loop; commits may arrive from any thread from now on."""
        self._loop = asyncio.get_running_loop()

    def listen(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call this with the experiments of every commit, on the committing thread; it must be quick."""
        self._listeners = (*self._listeners, listener)

    def forget(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call this no more."""
        self._listeners = tuple(one for one in self._listeners if one != listener)

    def committed(self, experiments: frozenset[str] = frozenset()) -> None:
        """Wake who waits for one of these experiments, or all when none is named; safe from any thread."""
        for listener in self._listeners:
            listener(experiments)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake, experiments)

    def _wake(self, experiments: frozenset[str]) -> None:
        is_for_all = not experiments or DEPLOYMENT in experiments
        woken = [ticket for ticket, scope in self._waiters.items() if is_for_all or scope in {DEPLOYMENT, *experiments}]
        for ticket in woken:
            ticket.set()
            del self._waiters[ticket]

    def close(self) -> None:
        """Answer every waiter now, and later ones at once: the server is stopping."""
        self._is_closed = True
        self.committed()

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def ticket(self, scope: str = DEPLOYMENT) -> asyncio.Event:
        """Set by the next commit in this experiment, or in any; take it before reading, so that none is missed."""
        waiter = asyncio.Event()
        if self._is_closed:
            waiter.set()
        self._waiters[waiter] = scope
        return waiter

    async def wait(self, ticket: asyncio.Event, seconds: float) -> bool:
        """Whether a commit came within so many seconds."""
        try:
            await asyncio.wait_for(ticket.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self.drop(ticket)
        return True

    def drop(self, ticket: asyncio.Event) -> None:
        """Stop waiting on a ticket."""
        self._waiters.pop(ticket, None)
