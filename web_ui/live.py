"""Server-sent events for browsers: one upstream reader per console, any number of tabs.

A browser event says only that something changed and up to which position; the page then asks for itself again, so
that what it shows is always whole. `Last-Event-ID` makes catching up exact: a tab that missed anything is told at once.
While the control plane is away the tabs are told, too: they ask, get no answer, and say how old they are.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from sse_starlette import EventSourceResponse, ServerSentEvent

from store_client import ControlPlaneClient, LogPage, SwitchyardError

logger = logging.getLogger(__name__)
WAIT_SECONDS = 25.0
RETRY_SECONDS = 1.0
PING_SECONDS = 15
RECONNECT_MILLISECONDS = 2000


@dataclass(frozen=True)
class Marks:
    """How far the log was known at a moment: take them before reading what a page shows."""

    newest: Mapping[str, int]
    tip: int
    floor: int
    """Where this console began to read: an experiment of which it saw nothing since may have events up to here."""

    def of(self, experiment_id: str | None) -> int:
        """The newest position that may concern an experiment, or anything."""
        return self.tip if experiment_id is None else self.newest.get(experiment_id, self.floor)


@dataclass(eq=False)
class _Tab:
    """One open stream: it remembers the newest position alone, so a tab that does not read costs nothing."""

    experiment_id: str | None
    position: int
    is_due: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, position: int) -> None:
        self.position = position
        self.is_due.set()


class Live:
    """Follows the deployment's log once and tells every tab that it concerns."""

    def __init__(self, client: ControlPlaneClient) -> None:
        self._client = client
        self._tabs: set[_Tab] = set()
        self._newest: dict[str, int] = {}
        self._tip = self._floor = 0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Follow the log until the console stops; a control plane that is away is asked again."""
        cursor: int | None = None
        is_away = False
        while not self._stopping.is_set():
            try:
                wait_seconds = 0 if cursor is None or is_away else WAIT_SECONDS
                page = await self._client.read_deployment_log(after=cursor, wait_seconds=wait_seconds)
            except SwitchyardError as error:
                logger.warning("the log cannot be read: %s", error)
                if not is_away:
                    self._nudge()
                is_away = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RETRY_SECONDS)
                continue
            self._begin(page) if cursor is None else self._take(page)
            cursor = page.cursor
            if is_away:
                self._nudge()
            is_away = False

    def stop(self) -> None:
        """End every stream."""
        self._stopping.set()
        for tab in self._tabs:
            tab.is_due.set()

    def marks(self) -> Marks:
        """How far the log is known now."""
        return Marks(dict(self._newest), self._tip, self._floor)

    def stream(self, experiment_id: str | None, last_seen: int | None) -> EventSourceResponse:
        """The stream of one tab, of one experiment or of all."""
        return EventSourceResponse(self._events(experiment_id, last_seen), ping=PING_SECONDS)

    def _begin(self, page: LogPage) -> None:
        """The first answer says only how long the log is; tabs that were drawn before look once."""
        self._floor = self._tip = page.cursor
        self._nudge()

    def _take(self, page: LogPage) -> None:
        for event in page.events:
            self._tip = event.position
            if event.experiment_id is not None:
                self._newest[event.experiment_id] = event.position
        told = {event.experiment_id for event in page.events}
        marks = self.marks()
        for tab in self._tabs:
            if told and (tab.experiment_id is None or tab.experiment_id in told):
                tab.tell(marks.of(tab.experiment_id))

    def _nudge(self) -> None:
        """Have every tab look for itself."""
        marks = self.marks()
        for tab in self._tabs:
            tab.tell(marks.of(tab.experiment_id))

    async def _events(self, experiment_id: str | None, last_seen: int | None) -> AsyncIterator[ServerSentEvent]:
        tab = _Tab(experiment_id, self.marks().of(experiment_id))
        has_missed = last_seen is not None and tab.position > last_seen
        if has_missed:
            tab.is_due.set()
        self._tabs.add(tab)
        try:
            # What was missed is not seen yet: a tab that is cut off right after this line must be told again.
            seen = last_seen if has_missed else tab.position
            yield ServerSentEvent(event="hello", data="{}", id=str(seen), retry=RECONNECT_MILLISECONDS)
            while not self._stopping.is_set():
                await tab.is_due.wait()
                tab.is_due.clear()
                if not self._stopping.is_set():
                    yield _changed(tab.position)
        finally:
            self._tabs.discard(tab)


def _changed(position: int) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps({"position": position}), id=str(position))
