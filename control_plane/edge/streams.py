"""Server-sent events: the log as it grows, for as long as the client reads and may.

Ids are positions, so that `Last-Event-ID` catches up exactly. A stream holds no thread and one page of events at most:
the next is read when the client has taken the last, and a client that takes nothing for a while is dropped.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from control_plane.db.tables import DEPLOYMENT
from control_plane.edge.endpoint import Arguments, Operation, prepare, read_arguments
from control_plane.edge.house import House
from store_client.errors import Refused, SwitchyardError, Unavailable, to_problem
from store_client.wire.call import Call
from store_client.wire.calls.events import LogQuery
from store_client.wire.events import LogEvent, LogPage

HEARTBEAT_SECONDS = 15
"""Between two signs of life, and between two looks at whether the client may still read."""
SEND_SECONDS = 30.0
"""How long a client may leave what was sent to it."""
STOP_SECONDS = 2.0
"""How long a stream may take to end by itself when the server stops."""
RECONNECT_MILLISECONDS = 2000
PAGE = 500


def stream_endpoint(house: House, call: Call, operation: Operation) -> Route:
    """The route of a call that streams the pages of the log which the operation reads."""

    async def serve(request: Request) -> Response:
        arguments = await _where_to_begin(request, call)

        async def read(after: int | None) -> LogPage:
            here = arguments if isinstance(arguments, SwitchyardError) else _page_after(after)
            page: LogPage = await house.read(prepare(house, call, operation, (request, here)))
            return page

        after = None if isinstance(arguments, SwitchyardError) else arguments["query"].after
        feed = Feed(house, request.path_params.get("experiment_id", DEPLOYMENT), read)
        return EventStream(feed.blocks(after, await read(after)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


async def _where_to_begin(request: Request, call: Call) -> Arguments:
    """The call's query; what a reconnecting browser saw last counts before what the address says."""
    seen = request.headers.get("last-event-id")
    if seen:
        scope = dict(request.scope, query_string=urlencode({"after": seen}).encode())
        request = Request(scope, request.receive)
    return await read_arguments(request, call)


def _page_after(after: int | None) -> Arguments:
    return {"query": LogQuery(after=after, limit=PAGE)}


class EventStream(EventSourceResponse):
    """A stream that ends with its last byte when the server stops, and quietly when its client takes nothing."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        super().__init__(blocks, ping=HEARTBEAT_SECONDS, send_timeout=SEND_SECONDS, shutdown_grace_period=STOP_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(SendTimeoutError):
            await super().__call__(scope, receive, send)


@dataclass(frozen=True)
class Feed:
    """The log of one scope, read for one client."""

    house: House
    scope: str
    read: Callable[[int | None], Awaitable[LogPage]]

    async def blocks(self, after: int | None, page: LogPage) -> AsyncIterator[bytes]:
        """`hello` with the position of the beginning, then every event, until the server stops or refuses."""
        position = page.cursor if after is None else after
        yield f"event: hello\nid: {position}\nretry: {RECONNECT_MILLISECONDS}\ndata: {{}}\n\n".encode()
        is_woken = False
        while not self.house.hub.is_closed:
            ticket = self.house.hub.ticket(self.scope)
            try:
                page = await self._next(position, is_woken=is_woken)
                if page.events:
                    yield b"".join(map(_block, page.events))
                    position = page.cursor
                if len(page.events) < PAGE:
                    is_woken = await self.house.hub.wait(ticket, HEARTBEAT_SECONDS)
            except (Refused, Unavailable) as error:
                yield f"event: end\ndata: {json.dumps(reason(error))}\n\n".encode()
                return
            finally:
                self.house.hub.drop(ticket)

    async def _next(self, position: int, *, is_woken: bool) -> LogPage:
        if not is_woken:
            return await self.read(position)
        async with self.house.hub.herd:
            return await self.read(position)


def _block(event: LogEvent) -> bytes:
    return f"id: {event.position}\ndata: {event.model_dump_json(exclude_none=True)}\n\n".encode()


def reason(error: Refused | Unavailable) -> dict[str, object]:
    """Why a stream ended, as the next request would say it."""
    return dict(to_problem(error, "")) if isinstance(error, Refused) else {"status": 503, "detail": str(error)}
