"""Who waits for the log: tickets that commits set, so that waiting costs no thread and no query."""

import asyncio
import contextlib
from collections.abc import Callable

from control_plane.db.tables import DEPLOYMENT

HERD = 4
"""How many of those that one commit woke read at a time: fewer than there are readers, so that others get theirs."""


class Ticket(asyncio.Event):
    """Set by the next commit in an experiment, or in any."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope


class Hub:
    """Wakes every waiter of an event loop when something was committed where it looks."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[str, set[Ticket]] = {}
        self._is_closed = False
        self._listeners: tuple[Callable[[frozenset[str]], None], ...] = ()
        self.herd = asyncio.Semaphore(HERD)

    def start(self) -> None:
        """Remember the running event loop; commits may arrive from any thread from now on."""
        self._loop = asyncio.get_running_loop()
        self.herd = asyncio.Semaphore(HERD)

    def listen(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call this with the experiments of every commit, on the thread that tells of it; it must be quick."""
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
        for scope in list(self._waiters) if is_for_all else (DEPLOYMENT, *experiments):
            for ticket in self._waiters.pop(scope, ()):
                ticket.set()

    def close(self) -> None:
        """Answer every waiter now, and later ones at once: the server is stopping."""
        self._is_closed = True
        self.committed()

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def ticket(self, scope: str = DEPLOYMENT) -> Ticket:
        """Set by the next commit in this experiment, or in any; take it before reading, so that none is missed."""
        ticket = Ticket(scope)
        if self._is_closed:
            ticket.set()
        else:
            self._waiters.setdefault(scope, set()).add(ticket)
        return ticket

    async def wait(self, ticket: Ticket, seconds: float) -> bool:
        """Whether a commit came within so many seconds."""
        try:
            # wait_for would swallow a cancellation that comes together with a wake.
            async with asyncio.timeout(seconds):
                await ticket.wait()
        except TimeoutError:
            return False
        finally:
            self.drop(ticket)
        return True

    def drop(self, ticket: Ticket) -> None:
        """Stop waiting on a ticket."""
        waiting = self._waiters.get(ticket.scope)
        if waiting is not None:
            waiting.discard(ticket)
            if not waiting:
                del self._waiters[ticket.scope]
