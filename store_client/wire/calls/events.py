"""Calls about events (protocol §6.4) and our joint reading of them."""

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.events import EventBatch, EventKinds, EventsFound, LogPage
from store_client.wire.scalars import Timestamp

P = "/v0/experiments/{experiment_id}/events"


class Cursor(Query):
    cursor: int = Field(default=0, ge=0, le=2**62)


class LogQuery(Query):
    """Events after a position; without one, those after the newest, so that only `wait_seconds` brings any."""

    after: int | None = Field(default=None, ge=0, le=2**62)
    limit: int = Field(default=200, ge=1, le=1000)
    wait_seconds: float = Field(default=0, ge=0, le=30)
    is_newest_first: bool = Field(default=False, description="the newest events before `after`, for activity lists")


class StreamQuery(Query):
    """Where a stream begins: after a position, or after the newest; the header `Last-Event-ID` goes first."""

    after: int | None = Field(default=None, ge=0, le=2**62)


class EventQuery(Query):
    """Which events to find; `after` is the `next` of the page before, `at` the position to begin with."""

    type: str | None = Field(default=None, max_length=100)
    about: str | None = Field(default=None, max_length=200, description="the id of a thing that they name")
    by: str | None = Field(default=None, max_length=200, description="the id of the worker who did it, or admin")
    text: str | None = Field(default=None, max_length=200, description="words of their type or data, in any case")
    since: Timestamp | None = None
    until: Timestamp | None = None
    is_oldest_first: bool = False
    at: int | None = Field(default=None, ge=0, le=2**62)
    after: int | None = Field(default=None, ge=0, le=2**62)
    limit: int = Field(default=50, ge=1, le=200)


READ_EVENTS = Call("read_events", "GET", P, Who.EITHER, "Read events", query=Cursor, answer=EventBatch)
SUBSCRIBE = Call("subscribe", "GET", P + "/subscribe", Who.EITHER, "Wait for events", query=Cursor, answer=EventBatch)
READ_LOG = Call(
    "read_log", "GET", "/api/experiments/{experiment_id}/events", Who.EITHER,
    "Read or wait for all events of an experiment", query=LogQuery, answer=LogPage,
)  # fmt: skip
READ_DEPLOYMENT_LOG = Call(
    "read_deployment_log", "GET", "/api/events", Who.EITHER, "Read or wait for the events of every experiment",
    query=LogQuery, answer=LogPage,
)  # fmt: skip
FIND_EVENTS = Call(
    "find_events", "GET", "/api/experiments/{experiment_id}/events/found", Who.EITHER,
    "Find events of an experiment by type, subject, actor, time and text", query=EventQuery, answer=EventsFound,
)  # fmt: skip
FIND_DEPLOYMENT_EVENTS = Call(
    "find_deployment_events", "GET", "/api/events/found", Who.EITHER,
    "Find events of every experiment and of the deployment", query=EventQuery, answer=EventsFound,
)  # fmt: skip
COUNT_EVENTS = Call(
    "count_events", "GET", "/api/experiments/{experiment_id}/events/kinds", Who.EITHER,
    "Count the events of an experiment by type", answer=EventKinds,
)  # fmt: skip
COUNT_DEPLOYMENT_EVENTS = Call(
    "count_deployment_events", "GET", "/api/events/kinds", Who.EITHER, "Count all events by type", answer=EventKinds,
)  # fmt: skip
STREAM_LOG = Call(
    "stream_log", "GET", "/api/experiments/{experiment_id}/events/stream", Who.EITHER,
    "Follow all events of an experiment as server-sent events", query=StreamQuery, is_streamed=True,
)  # fmt: skip
STREAM_DEPLOYMENT_LOG = Call(
    "stream_deployment_log", "GET", "/api/events/stream", Who.EITHER,
    "Follow the events of every experiment as server-sent events", query=StreamQuery, is_streamed=True,
)  # fmt: skip

FINDING = (FIND_EVENTS, FIND_DEPLOYMENT_EVENTS, COUNT_EVENTS, COUNT_DEPLOYMENT_EVENTS)
CALLS = (READ_EVENTS, SUBSCRIBE, READ_LOG, READ_DEPLOYMENT_LOG, STREAM_LOG, STREAM_DEPLOYMENT_LOG, *FINDING)
