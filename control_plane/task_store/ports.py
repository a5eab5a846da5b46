"""What the task store asks of the other wings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from control_plane.db.transaction import Tx

FoundBranch = tuple[str, str]
"""A work branch by its short name, and the commit that it points at."""


class WorkRefs(Protocol):
    """The work branches of the repositories, and what was put aside of them. All of it takes its time."""

    def listed(self, experiment_id: str, after: str, most: int, *, is_aside: bool = False) -> Sequence[FoundBranch]: ...
    def live(self, experiment_id: str, branches: Iterable[str], *, is_aside: bool = False) -> Mapping[str, str]: ...
    def remove(self, experiment_id: str, found: Sequence[FoundBranch]) -> bool: ...
    def restore(self, experiment_id: str, found: Sequence[FoundBranch]) -> bool: ...


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
