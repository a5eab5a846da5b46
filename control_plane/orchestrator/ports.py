"""What the orchestrator asks of the other wings, wired in app.py. Each method runs inside the caller's transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from store_client.wire.experiments import PolicyError, Terminate
from store_client.wire.ideas import Idea
from store_client.wire.tasks import CreateTask, RejectTask, Task
from store_client.wire.variants import CreateVariant, IntegrateVariant, Variant


class Tasks(Protocol):
    def create(self, tx: Tx, body: CreateTask) -> Task: ...
    def accept(self, tx: Tx, task_id: str) -> None: ...
    def reject(self, tx: Tx, task_id: str, body: RejectTask) -> None: ...


class Variants(Protocol):
    def create(self, tx: Tx, body: CreateVariant) -> Variant: ...
    def read(self, tx: Tx, variant_id: str) -> Variant: ...
    def declare_evaluation_error(self, tx: Tx, variant_id: str) -> None: ...
    def integrate(self, tx: Tx, variant_id: str, body: IntegrateVariant) -> None: ...


class Submitted(Protocol):
    @property
    def task(self) -> Task: ...
    @property
    def payload(self) -> dict[str, Any]: ...


class Evaluable(Protocol):
    @property
    def variant(self) -> Variant: ...
    @property
    def evaluation_attempts(self) -> int: ...


class Integrable(Protocol):
    @property
    def variant(self) -> Variant: ...
    @property
    def slug(self) -> str: ...


class Ideations(Protocol):
    @property
    def pending(self) -> int: ...
    @property
    def total(self) -> int: ...


class Dispatch(Protocol):
    """What waits for a decision; every answer is read through an index."""

    def submitted(self, tx: Tx, limit: int = ...) -> Sequence[Submitted]: ...
    def ready_ideas(self, tx: Tx, limit: int = ...) -> Sequence[Idea]: ...
    def evaluable(self, tx: Tx, limit: int = ...) -> Sequence[Evaluable]: ...
    def integrable(self, tx: Tx, limit: int = ...) -> Sequence[Integrable]: ...
    def to_integrate(self, tx: Tx, variant_id: str) -> Integrable:
        """A variant that waits for its integration, or has got it; InvalidPrecondition for any other."""
        ...

    def in_flight(self, tx: Tx) -> int: ...
    def ideations(self, tx: Tx) -> Ideations: ...
    def executing(self, tx: Tx) -> int:
        """How many execution tasks are live."""
        ...

    def has_baseline(self, tx: Tx) -> bool: ...
    def attempted(self, tx: Tx) -> int: ...
    def integrated(self, tx: Tx) -> int:
        """How many variants are integrated."""
        ...

    def integrated_commits(self, tx: Tx) -> Collection[str]: ...
    def integrated_metrics(self, tx: Tx, limit: int) -> Sequence[Mapping[str, Any]]: ...


class Outlook(Protocol):
    """What waits in an experiment, as the dispatcher would say it there."""

    @property
    def has_submitted(self) -> bool: ...
    @property
    def has_ready_idea(self) -> bool: ...
    @property
    def has_evaluable(self) -> bool: ...
    @property
    def has_integrable(self) -> bool: ...
    @property
    def executing(self) -> int: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def ideations(self) -> Ideations: ...
    @property
    def attempted(self) -> int: ...
    @property
    def integrated(self) -> int: ...


class Outlooks(Protocol):
    def of(self, tx: Tx, experiment_ids: Collection[str]) -> Mapping[str, Outlook]:
        """Of each of these experiments, in as many statements for many as for one."""
        ...


class Registry(Protocol):
    def open_experiments(self, tx: Tx) -> Sequence[RowMapping]:
        """Every experiment that runs or is paused, oldest first."""
        ...

    def named_experiments(self, tx: Tx, experiment_ids: Collection[str]) -> Sequence[RowMapping]:
        """These experiments, without the drafts among them."""
        ...

    def ended_experiments(self, tx: Tx) -> Collection[str]:
        """The ids of those that have ended."""
        ...

    def orchestrator_of(self, tx: Tx, experiment_id: str) -> str:
        """The orchestrator's worker id in an experiment, registered and in `orchestrators` from the first call on."""
        ...

    def terminate(self, tx: Tx, body: Terminate) -> object: ...
    def report_policy_error(self, tx: Tx, body: PolicyError) -> None: ...


class Held(Protocol):
    """A lease, as its holder keeps it."""

    @property
    def experiment_id(self) -> str: ...


class Leases(Protocol):
    """The leases on experiments; who holds, and what is held, is for them alone to look into."""

    def begin(self, tx: Tx, name: str, instance: str) -> Any:
        """The holder of this name; whatever it held before is released."""
        ...

    def available(self, tx: Tx, experiment_ids: Collection[str], is_dead: Callable[[str], bool]) -> Sequence[str]:
        """The registered ones of these experiments that nobody living holds the lease on."""
        ...

    def acquire_all(
        self, tx: Tx, experiment_ids: Collection[str], by: tuple[Any, float], is_dead: Callable[[str], bool]
    ) -> Sequence[Held]:
        """Leases on those that are available, for a holder and so many seconds."""
        ...

    def renew_all(self, tx: Tx, holder: Any, lease_seconds: float) -> Collection[str]:
        """Renew what the holder still holds; the experiments."""
        ...

    def release_all(self, tx: Tx, holder: Any, experiment_ids: Collection[str]) -> None: ...
    def verify(self, tx: Tx, held: Any) -> None:
        """LeaseNotHeld or LeaseExpired unless this very lease is active."""
        ...


class CommitFacts(Protocol):
    @property
    def exists(self) -> bool: ...
    @property
    def is_descendant(self) -> bool: ...
    @property
    def is_unchanged(self) -> bool: ...


@dataclass(frozen=True)
class Orphan:
    """A variant's branch that nobody recorded."""

    branch: str
    commit: str
    variant_id: str


class Repository(Protocol):
    """Git, asked before a transaction, never inside one."""

    def examine(self, experiment_id: str, commit: str, parents: Iterable[str]) -> CommitFacts: ...
    def integrate(self, experiment_id: str, variant: Variant, slug: str) -> tuple[str, str]:
        """Write the canonical commit and its branch; (branch, commit). Refused when the variant is not eligible."""
        ...

    def withdraw(self, experiment_id: str, branch: str, commit: str) -> None: ...
    def orphans(self, experiment_id: str, known: Collection[str]) -> Sequence[Orphan]:
        """The variants' branches at commits that are not among the known ones."""
        ...


@dataclass(frozen=True)
class Wings:
    """Everything above, as one argument."""

    tasks: Tasks
    variants: Variants
    dispatch: Dispatch
    outlooks: Outlooks
    registry: Registry
    repository: Repository
    leases: Leases
    lease_seconds: float
