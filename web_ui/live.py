"""Server-sent events for browsers: one upstream reader per console, any number of tabs.

A browser event says only that something changed and up to which position; the page then asks for itself again, so
that what it shows is always whole. `Last-Event-ID` makes catching up exact: a tab that missed anything is told at once.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sse_starlette import EventSourceResponse, ServerSentEvent

from store_client import ControlPlaneClient, LogPage, SwitchyardError

logger = logging.getLogger(__name__)
WAIT_SECONDS = 25.0
RETRY_SECONDS = 1.0
QUEUE_LIMIT = 100


@dataclass(eq=False)
class _Tab:
    experiment_id: str | None
    queue: "asyncio.Queue[int]" = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))

    def offer(self, position: int) -> None:
        with contextlib.suppress(asyncio.QueueFull):  # a tab that does not read asks for itself again anyway
            self.queue.put_nowait(position)


class Live:
    """Follows the deployment's log once and tells every tab that it concerns."""

    def __init__(self, client: ControlPlaneClient) -> None:
        self._client = client
        self._tabs: set[_Tab] = set()
        self._newest: dict[str | None, int] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Follow the log until the console stops; a control plane that is away is asked again."""
        cursor: int | None = None
        while not self._stopping.is_set():
            try:
                page = await self._client.read_deployment_log(after=cursor, wait_seconds=WAIT_SECONDS)
                cursor = page.cursor
                self._tell(page)
            except SwitchyardError as error:
                logger.warning("the log cannot be read: %s", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RETRY_SECONDS)

    def stop(self) -> None:
        """End every stream."""
        self._stopping.set()
        for tab in self._tabs:
            tab.offer(-1)

    def _tell(self, page: LogPage) -> None:
        for event in page.events:
            self._newest[event.experiment_id] = self._newest[None] = event.position
        for tab in self._tabs:
            concerns = [e for e in page.events if tab.experiment_id is None or e.experiment_id == tab.experiment_id]
            if concerns:
                tab.offer(concerns[-1].position)

    def followed(self) -> list[str]:
        """The experiments of which an event was seen."""
        return [one for one in self._newest if one is not None]

    def newest(self, experiment_id: str | None) -> int:
        """The newest position that concerns an experiment, or anything; take it before reading what a page shows."""
        return self._newest.get(experiment_id, 0)

    def stream(self, experiment_id: str | None, last_seen: int | None) -> EventSourceResponse:
        """The stream of one tab, of one experiment or of all."""
        return EventSourceResponse(self._events(experiment_id, last_seen), ping=15)

    async def _events(self, experiment_id: str | None, last_seen: int | None) -> AsyncIterator[ServerSentEvent]:
        tab = _Tab(experiment_id)
        self._tabs.add(tab)
        try:
            newest = self.newest(experiment_id)
            if last_seen is not None and newest > last_seen:
                yield _changed(newest)
            else:
                yield ServerSentEvent(event="hello", data="{}", id=str(newest), retry=2000)
            while not self._stopping.is_set():
                position = await tab.queue.get()
                while not tab.queue.empty():
                    position = tab.queue.get_nowait()
                if position >= 0:
                    yield _changed(position)
        finally:
            self._tabs.discard(tab)


def _changed(position: int) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps({"position": position}), id=str(position))
