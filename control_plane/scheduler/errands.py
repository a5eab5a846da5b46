"""What hands do for an attempt: launch it, bring back what it made, make sure that it is gone, tidy up."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import RowMapping

from control_plane.scheduler.engines.engine import Engine, Key, Placed, Way
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.workspace import MachineFault, WorkspaceError
from store_client.errors import SwitchyardError, Unavailable


@dataclass(frozen=True)
class Launched:
    """The engine has it."""


@dataclass(frozen=True)
class Ended:
    """It is over; its row, and how it ended."""

    job: RowMapping
    ending: Ending


@dataclass(frozen=True)
class Errands:
    """The slow part of an engine, one errand at a time for each attempt."""

    engine: Engine

    def launch(self, placed: Placed) -> Launched | Ended:
        job = placed.job
        try:
            self.engine.submit(placed)
        except (MachineFault, OSError) as error:
            if not self.engine.clear(job):
                raise
            why = f"the machine could not start it: {error}"
            return Ended(job, Ending("preempted", None, why, is_of_the_machine=True))
        except Unavailable:  # the database was away, which is no fault of the job; its attempt is found unbegun later
            raise
        except (WorkspaceError, SwitchyardError, ValueError) as error:
            if not self.engine.clear(job):
                raise
            return Ended(job, Ending("start_failed", None, str(error)))
        return Launched()

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ended:
        """An attempt has left its exit record: fetch what it made."""
        return Ended(job, self.engine.bring_back(job, exit_))

    def rescue(self, job: RowMapping) -> Ended | None:
        """An attempt is gone without a record: make sure that nothing of it runs."""
        if not self.engine.clear(job):
            raise WorkspaceError("something of it still runs; its slots stay held")
        if isinstance(self.engine.status(job), Exit):
            return None  # it left its record at the last moment
        if self.engine.has_begun(job):
            return Ended(job, Ending("node_lost", None, "its process was gone"))
        return Ended(job, Ending("preempted", None, "the server stopped before it began"))

    def cancel(self, job: RowMapping, way: Way) -> None:
        self.engine.cancel(job, way)

    def tidy(self, job: RowMapping) -> None:
        self.engine.tidy(job)

    def sweep(self, live: Callable[[], Collection[Key]]) -> None:
        """Tidy up after attempts that are not live."""
        for key in self.engine.workspaces():
            if key not in live():
                self.engine.remove(key)
