"""What the task store asks of the other wings."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from control_plane.db.transaction import Tx


class JobsOfTasks(Protocol):
    def __call__(self, tx: Tx, task_ids: Sequence[str], /) -> Mapping[str, str]:
        """The latest job of each task that has one."""
        ...


class IsUnchanged(Protocol):
    def __call__(self, experiment_id: str, commit: str, parents: Sequence[str], /) -> bool:
        """Whether a commit has the tree of every parent; False where the repository cannot say. Takes its time."""
        ...


def by_name_alone(_experiment_id: str, _commit: str, _parents: Sequence[str], /) -> bool:
    """Of a house without repositories: commits of different names are different."""
    return False


def no_jobs(_tx: Tx, _task_ids: Sequence[str], /) -> Mapping[str, str]:
    """Of a house without a queue."""
    return {}
