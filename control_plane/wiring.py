"""How the wings of one process hold hands: each asks through a Protocol of its own, answered here by another."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, tuple_

from control_plane.db.identities import Keys
from control_plane.db.tables import DEPLOYMENT, IS_OPEN, experiments
from control_plane.db.transaction import Caller, Tx
from control_plane.edge.house import House
from control_plane.orchestrator.ports import Orphan, Wings
from control_plane.registry.control_routes import LEASE_SECONDS
from control_plane.registry.operations import exchange, keeping, lifecycle
from control_plane.registry.tables import registrations
from control_plane.repos.examine import Examiner, Facts
from control_plane.repos.ports import Access
from control_plane.repos.squash import EvaluatedVariant, Lineage
from control_plane.scheduler.operations import gpus, listing, remote, submit
from control_plane.task_store import tables as task_tables
from control_plane.task_store.operations import dispatch, git, outlooks, tasks, variants
from control_plane.training.operations import Trainings
from store_client.errors import NotFound, Refused, Unreachable
from store_client.wire.experiments import PolicyError, Terminate
from store_client.wire.gpus import GpuInfo
from store_client.wire.jobs import JobDetail, SubmitJob
from store_client.wire.variants import Variant

_REGISTERED = select(experiments).join(registrations, registrations.c.experiment_id == experiments.c.experiment_id)


@dataclass(frozen=True)
class RegistryForOrchestrator:
    """The registry as the orchestrator asks it."""

    orchestrator_worker_id: str
    """The deployment worker whose identity in each experiment takes the decisions."""

    def open_experiments(self, tx: Tx) -> Sequence[RowMapping]:
        query = _REGISTERED.where(IS_OPEN)
        return list(tx.connection.execute(query.order_by(experiments.c.created_at)).mappings())

    def named_experiments(self, tx: Tx, experiment_ids: Collection[str]) -> Sequence[RowMapping]:
        query = _REGISTERED.where(experiments.c.experiment_id.in_(experiment_ids))
        return list(tx.connection.execute(query.where(experiments.c.status != "draft")).mappings())

    def ended_experiments(self, tx: Tx) -> Collection[str]:
        query = _REGISTERED.where(experiments.c.status.not_in(("draft", "running", "paused")))
        return set(tx.connection.scalars(query.with_only_columns(experiments.c.experiment_id)))

    def orchestrator_of(self, tx: Tx, experiment_id: str) -> str:
        return exchange.enter(tx.at(DEPLOYMENT), self.orchestrator_worker_id, experiment_id)

    def terminate(self, tx: Tx, body: Terminate) -> object:
        return lifecycle.terminate(tx, body)

    def report_policy_error(self, tx: Tx, body: PolicyError) -> None:
        lifecycle.report_policy_error(tx, body)


@dataclass(frozen=True)
class RepositoryForTaskStore:
    """Git as a submission asks it: what it cannot say is no objection."""

    examiner: Examiner

    def is_unchanged(self, experiment_id: str, commit: str, parents: Sequence[str]) -> bool:
        try:
            return self.examiner.is_unchanged(experiment_id, commit, parents)
        except (Refused, Unreachable):
            return False


@dataclass(frozen=True)
class RepositoryForOrchestrator:
    """Git as the orchestrator asks it."""

    examiner: Examiner
    lineage: Lineage

    def examine(self, experiment_id: str, commit: str, parents: Iterable[str]) -> Facts:
        return self.examiner.examine(experiment_id, commit, parents)

    def integrate(self, experiment_id: str, variant: Variant, slug: str) -> tuple[str, str]:
        evaluated = EvaluatedVariant(
            variant_id=variant.variant_id,
            slug=slug,
            idea_id=variant.idea_id or "",
            commit_sha=variant.commit_sha or "",
            parent_commits=variant.parent_commits,
            evaluation=variant.evaluation or {},
            completed_at=variant.completed_at or "",
            artifacts_uri=variant.artifacts_uri,
            description=variant.description,
        )
        commit = self.lineage.squash(experiment_id, evaluated)
        self.lineage.publish_variant(experiment_id, evaluated.branch, commit)
        return evaluated.branch, commit

    def withdraw(self, experiment_id: str, branch: str, commit: str) -> None:
        self.lineage.withdraw_variant(experiment_id, branch, commit)

    def orphans(self, experiment_id: str, known: Collection[str]) -> Sequence[Orphan]:
        found = self.lineage.orphans(experiment_id, known)
        return [Orphan(branch.name, branch.commit_sha, _variant_of(branch.subject)) for branch in found]


def _variant_of(subject: str) -> str:
    """The variant that an integrator's commit names: `variant: <id> <slug>`; empty where it names none."""
    words = subject.split()
    return words[1] if len(words) > 1 and words[0] == "variant:" else ""


def wings(
    orchestrator_worker_id: str, examiner: Examiner, lineage: Lineage, lease_seconds: float = LEASE_SECONDS
) -> Wings:
    """What the orchestrator asks, answered by the other wings."""
    return Wings(
        tasks=tasks,
        variants=variants,
        dispatch=dispatch,
        outlooks=outlooks,
        registry=RegistryForOrchestrator(orchestrator_worker_id),
        repository=RepositoryForOrchestrator(examiner, lineage),
        leases=keeping,
        lease_seconds=lease_seconds,
    )


class GitGate:
    """Who may read and push an experiment's repository, asked of the task store."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, experiment: str, username: str, password: str) -> Access | None:
        """The access of a Basic name and password to an experiment named by id or slug."""

        def look(tx: Tx) -> Access | None:
            access = _attempt(tx, self._house.keys, username, password) or git.git_access(
                tx.connection, self._house.keys, username, password, tx.now
            )
            named = (experiments.c.experiment_id == experiment) | (experiments.c.slug == experiment)
            experiment_id = tx.connection.scalar(select(experiments.c.experiment_id).where(named))
            if access is None or experiment_id is None or access.experiment_id not in {None, experiment_id}:
                return None
            prefixes = (access.push_prefix,) if access.push_prefix else ()
            return Access(experiment_id, access.worker_id, prefixes)

        return await self._house.read(look)

    async def pushed(self, access: Access, experiment_id: str) -> None:
        """Tell the log that somebody pushed, so that open pages look again."""

        def tell(tx: Tx) -> None:
            tx.at(experiment_id, Caller(access.worker_id, experiment_id)).tell(
                "repository.pushed", worker_id=access.worker_id
            )

        await self._house.write(tell)


def _attempt(tx: Tx, keys: Keys, username: str, password: str) -> git.GitAccess | None:
    """What an attempt on another machine may do: read its experiment, and push the one branch of its own."""
    if "/" not in username:
        return None
    found = remote.may_push(tx.connection, keys, username, password)
    return git.GitAccess(username, found[0], f"refs/heads/{found[1]}") if found is not None else None


class ClaimsForScheduler:
    """Who holds a task, as the scheduler asks."""

    def live_claim(self, tx: Tx, task_id: str) -> tuple[str, str] | None:
        try:
            claim = tasks.read(tx, task_id).claim
        except NotFound:
            return None
        return (claim.worker_id, claim.claimed_at) if claim is not None else None

    def live_claims(self, tx: Tx, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        if not wanted:
            return {}
        table = task_tables.tasks
        query = select(table.c.experiment_id, table.c.task_id, table.c.claimed_at).where(
            table.c.claimed_at.is_not(None), tuple_(table.c.experiment_id, table.c.task_id).in_(list(wanted))
        )
        return {(row.experiment_id, row.task_id): row.claimed_at for row in tx.connection.execute(query)}


@dataclass(frozen=True)
class QueueForTraining:
    """The queue as trainings ask it."""

    claims: ClaimsForScheduler
    places: listing.Places | None = None

    def submit(self, tx: Tx, body: SubmitJob) -> JobDetail:
        return listing.detail(tx, submit.submit(tx, body, self.claims), 0, self.places)

    def read(self, tx: Tx, job_id: str) -> JobDetail:
        return listing.detail(tx, submit.load(tx, job_id), 0, self.places)

    def cancel(self, tx: Tx, job_id: str) -> JobDetail:
        return listing.detail(tx, submit.cancel(tx, job_id))

    def gpus(self, tx: Tx) -> Sequence[GpuInfo]:
        return gpus.read(tx).gpus


def trainings(default_experiment_id: str | None = None, places: listing.Places = listing.unplaced) -> Trainings:
    """What trainings ask, answered by the queue and the registry."""
    return Trainings(QueueForTraining(ClaimsForScheduler(), places), exchange.enter, default_experiment_id)
