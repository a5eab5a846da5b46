"""The transaction that every operation is handed: a connection that knows who acts, when, and where."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from control_plane.db import log
from control_plane.db.tables import DEPLOYMENT, experiments
from store_client.errors import IllegalTransition, NotFound
from store_client.wire.experiments import Status


@dataclass(frozen=True)
class Caller:
    """A verified principal: `admin`, or a worker registered in `scope`."""

    worker_id: str
    scope: str = DEPLOYMENT
    name: str | None = None
    is_by_token: bool = field(default=False, compare=False)
    """Whether a short-lived token proved it, not the worker's own registration."""
    is_read_only: bool = field(default=False, compare=False)
    """Whether the credential is a viewer's, who looks and changes nothing."""

    @property
    def is_admin(self) -> bool:
        return self.worker_id == "admin"


ADMIN = Caller("admin")


@dataclass
class Tx:
    """One operation's share of a transaction."""

    connection: Connection
    now: str
    mint: Callable[[str], str]
    caller: Caller = ADMIN
    experiment_id: str = DEPLOYMENT
    told: list[str] = field(default_factory=list)
    _experiment: RowMapping | None = None

    @property
    def experiment(self) -> RowMapping:
        """The row of the experiment this operation works in; NotFound when there is none."""
        if self._experiment is None:
            query = select(experiments).where(experiments.c.experiment_id == self.experiment_id)
            self._experiment = self.connection.execute(query).mappings().first()
        if self._experiment is None:
            raise NotFound(f"there is no experiment {self.experiment_id}")
        return self._experiment

    @property
    def status(self) -> Status:
        return Status(self.experiment["status"])

    def must_take_new_work(self) -> None:
        """IllegalTransition unless the experiment is running: nothing new is created or claimed otherwise."""
        if self.status is Status.RUNNING:
            return
        advice = {
            Status.DRAFT: "the experiment is a draft; start it first",
            Status.PAUSED: "the experiment is paused; resume it first",
        }
        raise IllegalTransition(advice.get(self.status, "the experiment has been terminated"))

    def reload(self) -> None:
        """Forget the experiment's row after it changed."""
        self._experiment = None

    def tell(self, type_: str, **data: Any) -> None:
        """Append an event about this experiment (or the deployment) to the log, in this transaction."""
        log.append(self.connection, self.mint("evt"), self.now, self.experiment_id, (type_, data))
        self.told.append(self.experiment_id)

    def at(self, experiment_id: str, caller: Caller | None = None) -> "Tx":
        """The same transaction seen from another experiment, or by another caller."""
        return Tx(self.connection, self.now, self.mint, caller or self.caller, experiment_id, self.told)
