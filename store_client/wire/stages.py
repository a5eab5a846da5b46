"""What waits at each stage of an experiment and since when, and what is stuck there."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import Timestamp
from store_client.wire.tasks import TaskKind


class StageWork(Record):
    """One stage; `integration` has no tasks: what waits there are variants with a score."""

    kind: Literal["ideation", "execution", "evaluation", "integration"]
    waiting: int = 0
    active: int = 0
    oldest_waiting_at: Timestamp | None = Field(default=None, description="since when the oldest of them waits")


class StuckTask(Record):
    """A claimed task that its worker does not get on with."""

    task_id: str
    kind: TaskKind
    title: str
    worker_id: str
    worker_name: str | None = None
    why: Literal["expired", "silent"] = Field(description="its claim ran out, or its worker was not heard of lately")
    claimed_at: Timestamp
    expires_at: Timestamp | None = Field(default=None, description="when it is given back by itself")
    last_seen_at: Timestamp | None = None


class UnmeasuredVariant(Record):
    """A variant that evaluation has given up."""

    variant_id: str
    label: str
    attempts: int
    completed_at: Timestamp


class Stages(Record):
    """The stages in their order, tasks that are stuck, and variants that could not be evaluated lately."""

    stages: tuple[StageWork, ...]
    stuck: tuple[StuckTask, ...] = ()
    unmeasured: tuple[UnmeasuredVariant, ...] = ()
