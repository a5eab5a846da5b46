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


class EventsFound(Record):
    """Events like those asked for, and how far was looked for them; nothing more is there when `next` is absent."""

    events: tuple[LogEvent, ...]
    next: int | None = None
    """The position to go on from: fewer events than asked for only mean that a look takes in so many."""
    looked_to: Timestamp | None = None
    """When the last event that was looked at happened."""


class EventKind(Record):
    """How many events there are of a type; of more than `EventKinds.counted`, only so many are counted."""

    type: NonEmpty
    count: int


class EventKinds(Record):
    """The types of events that there are."""

    kinds: tuple[EventKind, ...]
    counted: int
