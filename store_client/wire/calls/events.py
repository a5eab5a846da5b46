"""Calls about events (protocol §6.4) and our joint reading of them."""

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.events import EventBatch, LogPage

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
STREAM_LOG = Call(
    "stream_log", "GET", "/api/experiments/{experiment_id}/events/stream", Who.EITHER,
    "Follow all events of an experiment as server-sent events", query=StreamQuery, is_streamed=True,
)  # fmt: skip
STREAM_DEPLOYMENT_LOG = Call(
    "stream_deployment_log", "GET", "/api/events/stream", Who.EITHER,
    "Follow the events of every experiment as server-sent events", query=StreamQuery, is_streamed=True,
)  # fmt: skip

CALLS = (READ_EVENTS, SUBSCRIBE, READ_LOG, READ_DEPLOYMENT_LOG, STREAM_LOG, STREAM_DEPLOYMENT_LOG)
