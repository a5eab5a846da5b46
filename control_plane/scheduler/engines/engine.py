"""What every engine does: submit, status, cancel, log and capacity, and the tidying up between.

A job row here carries at least `job_id`, `attempt`, `number`, `experiment_id`, `spec`, `commit_sha`,
`base_commit_sha` and `submitted_by`. Each call may be made again after a crash: it then finds what the first one did.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import RowMapping

from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.board import Grant, Slot

Key = tuple[str, int]
"""Job id and attempt."""
Way = Literal["cancel", "preempt"]


def key_of(job: RowMapping) -> Key:
    """What tells an attempt from all others."""
    return job["job_id"], job["attempt"]


@dataclass(frozen=True)
class Placed:
    """One attempt and the units it holds."""

    job: RowMapping
    grants: tuple[Grant, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(grant.slot_id for grant in self.grants)

    @property
    def marker(self) -> str:
        return f"{self.job['job_id']}/{self.job['attempt']}"


class Engine(Protocol):
    """Where attempts run."""

    name: str

    def take(self) -> bool:
        """Whether this scheduler is the only one that works here; it stays so until it lets go or ends.

        What makes each look at the slots cheap is open meanwhile.
        """
        ...

    def let_go(self) -> None: ...

    def submit(self, placed: Placed) -> None:
        """Launch an attempt; what cannot be prepared raises WorkspaceError, and then nothing of it runs."""
        ...

    def status(self, job: RowMapping) -> Exit | bool | None:
        """How an ended attempt ended, True while it lives, None when it is gone and left no word."""
        ...

    def has_begun(self, job: RowMapping) -> bool:
        """Whether the attempt's command was ever started."""
        ...

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:
        """Ask an attempt to stop, also one that is yet to be launched; asking twice is asking once."""
        ...

    def clear(self, job: RowMapping) -> bool:
        """Whether nothing of an attempt without an exit record runs any more, or ever will."""
        ...

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ending:
        """What an ended attempt left: its files, its output, and the commit it publishes."""
        ...

    def tidy(self, job: RowMapping) -> None:
        """Remove what only a living attempt needs."""
        ...

    def log(self, job_id: str, attempt: int) -> Path:
        """Where the log of an attempt is, or will be."""
        ...

    def workspaces(self) -> Sequence[Key]:
        """The attempts that still have something to tidy."""
        ...

    def remove(self, key: Key) -> None:
        """Tidy up after an attempt that ended just before its scheduler did."""
        ...

    def wait(self, seconds: float, wake_fd: int, leave: Callable[[Key], bool]) -> Collection[Key]:
        """Sleep until attempts end, and say which, as far as known; the descriptor wakes us, or the time is over."""
        ...

    def wait_for_all(self, seconds: float) -> None:
        """Sleep until no attempt lives, or the time is over."""
        ...

    def capacity(self, held: Collection[str]) -> Sequence[Slot]:
        """Every slot there is now; `held` are those that we gave out."""
        ...
