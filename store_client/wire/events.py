"""Events: the protocol's log (§6) and our own joint reading of it."""

from typing import Any

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import ExperimentId, NonEmpty, Timestamp


class Event(Record):
    event_id: NonEmpty
    type: NonEmpty
    occurred_at: Timestamp
    experiment_id: ExperimentId
    data: dict[str, Any]


class EventBatch(Record):
    """The protocol's answer: `cursor` is how many events of the experiment the reader has now seen."""

    events: tuple[Event, ...]
    cursor: int


class LogEvent(Record):
    """An event with its place in the deployment's joint log; `experiment_id` is absent for deployment events."""

    position: int
    event_id: NonEmpty
    type: NonEmpty
    occurred_at: Timestamp
    experiment_id: ExperimentId | None = None
    data: dict[str, Any]


class LogPage(Record):
    """Events after a position; `cursor` is the position to continue from."""

    events: tuple[LogEvent, ...]
    cursor: int = Field(ge=0)
