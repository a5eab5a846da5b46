"""What jobs report and keep: metrics over their steps, and checkpoints."""

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import Timestamp


class MetricPoint(Record):
    value: float
    step: float | None = Field(default=None, description="absent where the job named none")
    at: Timestamp | None = None


class MetricSeries(Record):
    """One metric over an attempt; of a long one the least and the greatest value of each stretch."""

    name: str
    points: tuple[MetricPoint, ...]


class JobMetrics(Record):
    """What an attempt reported from a byte offset of its reports on; `next` continues."""

    attempt: int
    series: tuple[MetricSeries, ...]
    next: int
    is_complete: bool = Field(description="no more will come")
    passed_over: int = Field(description="lines that were not in the agreed form")


class JobCheckpoint(Record):
    """A file that a job keeps for its next attempt."""

    name: str
    bytes: int
    modified: Timestamp


class JobCheckpoints(Record):
    items: tuple[JobCheckpoint, ...]
    total_bytes: int
    most_bytes: int = Field(description="beyond it, the oldest entries go when an attempt ends")
