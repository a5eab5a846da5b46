"""How long a worker takes over tasks."""

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.tasks import TaskKind


class Pace(Record):
    """Of one kind of task: how many it handed in, and the middle of how long each took from its claim."""

    kind: TaskKind
    tasks: int
    median_seconds: float = Field(description="no more than a tenth off")


class PaceList(Record):
    paces: tuple[Pace, ...] = ()
