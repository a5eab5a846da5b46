"""What the scheduler asks of other wings, wired in app.py."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from control_plane.db.transaction import Tx


class Claims(Protocol):
    """The task store's word on who holds a task."""

    def live_claim(self, tx: Tx, task_id: str) -> tuple[str, str] | None:
        """(worker id, claimed at) of a claimed task of the transaction's experiment, or None."""
        ...

    def live_claims(self, tx: Tx, tasks: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """When each of these tasks, (experiment id, task id), was claimed; without those that nobody holds."""
        ...


class RepositoryPaths(Protocol):
    """Where the bare repository of an experiment lies."""

    def path(self, experiment_id: str, /) -> Path: ...
