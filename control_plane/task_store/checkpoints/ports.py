"""What checkpoints ask of the other wings."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol

from control_plane.db.transaction import Tx


class Placed(Protocol):
    """A repository made from a bundle that nobody sees yet."""

    @property
    def branches(self) -> Mapping[str, str]:
        """The commit of each branch, by its short name."""
        ...

    def missing(self, commits: Collection[str]) -> set[str]:
        """Which of these commits are not reachable from its refs."""
        ...

    def publish(self) -> None:
        """Let it be the experiment's repository."""
        ...


class Bundles(Protocol):
    """Repositories as single files; blocking."""

    def write(self, experiment_id: str, file: IO[bytes]) -> None:
        """Append everything that the experiment's refs reach; nothing when there is no repository or no ref."""
        ...

    def unpack(self, experiment_id: str, bundle: IO[bytes]) -> AbstractContextManager[Placed]:
        """The repository in a bundle, gone at the end unless it was published; CheckpointInvalid for a bad one."""
        ...

    def alone(self, experiment_id: str) -> AbstractContextManager[None]:
        """Be the only one, over all processes, who makes or removes the experiment's repository; waits for that."""
        ...

    def must_be_vacant(self, experiment_id: str) -> None:
        """ExperimentIdConflict when the experiment has a repository."""
        ...

    def remove(self, experiment_id: str) -> None:
        """Delete the repository of an experiment that did not come to be."""
        ...

    def tidy(self, experiment_id: str) -> None:
        """Delete what an unpacking that was cut off left behind."""
        ...


class Registry(Protocol):
    """The registry as an import asks it."""

    def read_config(self, text: str) -> Mapping[str, Any]:
        """A config as the registry keeps it; BadRequest for one that it would not take."""
        ...

    def stand_in(self, metrics: Mapping[str, str]) -> Mapping[str, Any]:
        """A config for an experiment that came without one and measured these."""
        ...

    def must_be_free(self, tx: Tx) -> None:
        """ExperimentIdConflict when the transaction's experiment holds anything already."""
        ...

    def settle(self, tx: Tx, config: Mapping[str, Any], arrived: Mapping[str, Any]) -> None:
        """Write the experiment's own row."""
        ...

    def reserve(self, tx: Tx) -> None:
        """Have exactly one living group of each reserved name, now that the groups are there."""
        ...
