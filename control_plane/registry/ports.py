"""What the registry asks of the other wings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from control_plane.db.transaction import Tx
from control_plane.registry.rules.id_tokens import Vouched
from control_plane.registry.rules.relying import Client
from control_plane.registry.rules.trips import Trip


class Hold(Protocol):
    """The sole right to make one repository; a crash lets go of it."""

    def release(self) -> None: ...


class Seeds(Protocol):
    """Makes repositories; blocking, so it runs on a thread and never inside a transaction."""

    def hold(self, experiment_id: str) -> Hold | None:
        """Be the only one, over all processes, who makes the repository of this id; None while somebody else is."""
        ...

    def seed(self, experiment_id: str, source: Path, seeded_at: str) -> str:
        """Commit the directory's files to a new repository and return the commit."""
        ...

    def copy(self, experiment_id: str, origin: str) -> str:
        """Begin a new repository with the first commit of another experiment's, and return it."""
        ...

    def look(self, source: Path) -> tuple[int, int, Sequence[str]]:
        """How many of the directory's files would be committed, how large they are, and the first paths."""
        ...

    def remove(self, experiment_id: str) -> None:
        """Delete the repository of an experiment that did not come to be."""
        ...


class Fetch(Protocol):
    def __call__(self, url: str, revision: str | None, target: Path) -> str:
        """Put the files of a repository elsewhere into a folder that is there, and return their commit; blocking."""
        ...


class OpenClaims(Protocol):
    def __call__(self, tx: Tx) -> Mapping[str, int]:
        """How many tasks of the experiment each worker holds."""
        ...


class States(Protocol):
    def __call__(self, experiment_id: str) -> str | None:
        """The state of an experiment that is hosted elsewhere; None when it is not there, Unreachable when unknown.

        Blocking, so it is asked on a thread.
        """
        ...


class Refresh(Protocol):
    def __call__(self, experiment_id: str) -> None:
        """Bring the last known state of an experiment up to date, if that is possible; blocking."""
        ...


class Vouches(Protocol):
    """Says who somebody is who comes from the OpenID Connect provider."""

    @property
    def client(self) -> Client: ...

    async def url(self, trip: Trip) -> str:
        """The page of the provider to which a browser goes; InvalidPrecondition while it is silent."""
        ...

    async def vouched(self, code: str, trip: Trip, now: str) -> Vouched:
        """Whom it vouches for behind a code; Forbidden when for nobody we take."""
        ...
