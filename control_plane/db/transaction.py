"""The transaction that every operation is handed: a connection that knows who acts, when, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Executable, RowMapping, bindparam, select

from control_plane.db.batch import Batch
from control_plane.db.question import Question
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
    is_confined: bool = field(default=False, compare=False)
    """Whether it is somebody's without a role in the deployment, who sees nothing there but what is theirs."""
    session_digest: str | None = field(default=None, compare=False)
    """The session of the person that it was given out for."""

    @property
    def is_admin(self) -> bool:
        return self.worker_id == "admin"


ADMIN = Caller("admin")
_EXPERIMENT = Question(select(experiments).where(experiments.c.experiment_id == bindparam("experiment")))


@dataclass
class Tx:
    """One operation's view of a transaction: who acts in it, and where."""

    batch: Batch
    caller: Caller = ADMIN
    experiment_id: str = DEPLOYMENT
    _experiment: RowMapping | None = None

    @property
    def connection(self) -> Connection:
        """The connection, for any statement."""
        return self.batch.connection

    @property
    def now(self) -> str:
        """The time of the transaction."""
        return self.batch.now

    def mint(self, prefix: str) -> str:
        """A new id."""
        return self.batch.mint(prefix)

    def first(self, question: Question, **values: str) -> RowMapping | None:
        """The first row of an answer; the question must ask for no events and no counters."""
        return question.first(self.batch.bare, values)

    def run(self, statement: Executable, **values: Any) -> None:
        """Run a prepared statement that changes no identity and no experiment."""
        self.batch.bare.execute(statement, values)

    def run_all(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run such a statement once for each of these rows."""
        if rows:
            self.batch.bare.execute(statement, rows)

    def rows(self, query: Executable) -> Sequence[RowMapping]:
        """Every row of an answer; the query must ask for no events and no counters."""
        return self.batch.bare.execute(query).mappings().all()

    @property
    def experiment(self) -> RowMapping:
        """The row of the experiment this operation works in; NotFound when there is none."""
        if self._experiment is None:
            key = ("experiment", self.experiment_id)
            self._experiment = self.batch.known(key, lambda: self.first(_EXPERIMENT, experiment=self.experiment_id))
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
        self.batch.tell(self.experiment_id, type_, data)

    def count(self, name: str, amount: int) -> None:
        """Add to a counter of this experiment."""
        self.batch.count(self.experiment_id, name, amount)

    def count_with_all(self, name: str, amount: int) -> None:
        """Add to a counter of this experiment, and to the one of all experiments together."""
        self.batch.count_with_all(self.experiment_id, name, amount)

    def recount(self, old: str, new: str) -> None:
        """One thing of this experiment left the count `old` and joined the count `new`."""
        self.count(old, -1)
        self.count(new, 1)

    def at(self, experiment_id: str, caller: Caller | None = None) -> "Tx":
        """The same transaction seen from another experiment, or by another caller."""
        return Tx(self.batch, caller or self.caller, experiment_id)
