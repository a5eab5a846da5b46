"""What the task store asks of the other wings."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from control_plane.db.transaction import Tx


class JobsOfTasks(Protocol):
    def __call__(self, tx: Tx, task_ids: Sequence[str], /) -> Mapping[str, str]:
        """The latest job of each task that has one."""
        ...


def no_jobs(_tx: Tx, _task_ids: Sequence[str], /) -> Mapping[str, str]:
    """Of a house without a queue."""
    return {}
