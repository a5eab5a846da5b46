"""Events: the protocol's log, and our joint one."""

from collections.abc import AsyncGenerator

from store_client.resources.event_stream import follow
from store_client.resources.resource import Resource
from store_client.wire.calls import events as calls
from store_client.wire.events import EventBatch, EventKinds, EventsFound, LogEvent, LogPage


class Events(Resource):
    """Calls about the events of one experiment."""

    async def read_events(self, cursor: int = 0) -> EventBatch:
        answer: EventBatch = await self._send(calls.READ_EVENTS, query=calls.Cursor(cursor=cursor))
        return answer

    async def subscribe(self, cursor: int = 0) -> EventBatch:
        """Events after the cursor, waiting for some when there are none."""
        answer: EventBatch = await self._send(calls.SUBSCRIBE, query=calls.Cursor(cursor=cursor))
        return answer

    async def read_log(
        self, after: int | None = None, wait_seconds: float = 0, limit: int = 200, *, is_newest_first: bool = False
    ) -> LogPage:
        """Events after a position; without one, only those still to come within `wait_seconds`."""
        query = calls.LogQuery(after=after, wait_seconds=wait_seconds, limit=limit, is_newest_first=is_newest_first)
        answer: LogPage = await self._send(calls.READ_LOG, query=query)
        return answer

    async def find_events(self, query: calls.EventQuery | None = None) -> EventsFound:
        """A page of the events that are like this, the newest first unless the query says otherwise."""
        answer: EventsFound = await self._send(calls.FIND_EVENTS, query=query or calls.EventQuery())
        return answer

    async def count_events(self) -> EventKinds:
        """How many events there are of each type."""
        answer: EventKinds = await self._send(calls.COUNT_EVENTS)
        return answer

    def stream_log(self, after: int | None = None) -> AsyncGenerator[LogEvent, None]:
        """Every event after a position, or from now on, for as long as the caller goes on asking."""
        return follow(lambda position: self._fetch(calls.STREAM_LOG, calls.StreamQuery(after=position)), after)


class DeploymentEvents(Resource):
    """Calls about the events of every experiment."""

    async def read_deployment_log(
        self, after: int | None = None, wait_seconds: float = 0, limit: int = 200, *, is_newest_first: bool = False
    ) -> LogPage:
        """Events after a position; without one, only those still to come within `wait_seconds`."""
        query = calls.LogQuery(after=after, wait_seconds=wait_seconds, limit=limit, is_newest_first=is_newest_first)
        answer: LogPage = await self._send(calls.READ_DEPLOYMENT_LOG, query=query)
        return answer

    async def find_deployment_events(self, query: calls.EventQuery | None = None) -> EventsFound:
        """A page of the events that are like this, the newest first unless the query says otherwise."""
        answer: EventsFound = await self._send(calls.FIND_DEPLOYMENT_EVENTS, query=query or calls.EventQuery())
        return answer

    async def count_deployment_events(self) -> EventKinds:
        """How many events there are of each type."""
        answer: EventKinds = await self._send(calls.COUNT_DEPLOYMENT_EVENTS)
        return answer

    def stream_deployment_log(self, after: int | None = None) -> AsyncGenerator[LogEvent, None]:
        """Every event after a position, or from now on, for as long as the caller goes on asking."""
        return follow(
            lambda position: self._fetch(calls.STREAM_DEPLOYMENT_LOG, calls.StreamQuery(after=position)), after
        )
