"""The clients: one of a deployment, one of an experiment. Async; `blocking.py` has the same for scripts."""

from types import TracebackType
from typing import Self

from store_client.credentials import Bearer
from store_client.resources.accounts import Accounts, Operators
from store_client.resources.artifacts import Artifacts
from store_client.resources.attempts import Attempts
from store_client.resources.boards import Boards
from store_client.resources.branches import Branches
from store_client.resources.bulk import BulkActs
from store_client.resources.checkpoints import CheckpointImports, Checkpoints
from store_client.resources.configs import Configs
from store_client.resources.console_workers import ConsoleWorkers
from store_client.resources.decisions import Decisions
from store_client.resources.deployment_groups import DeploymentGroups
from store_client.resources.deployment_workers import DeploymentWorkers
from store_client.resources.drafts import DeploymentWork, Drafts
from store_client.resources.events import DeploymentEvents, Events
from store_client.resources.experiments import Experiments, OneExperiment
from store_client.resources.gpus import Gpus
from store_client.resources.groups import Groups
from store_client.resources.health import HealthOfDeployment
from store_client.resources.ideas import Ideas
from store_client.resources.implementation import Discovery
from store_client.resources.job_batches import ExperimentJobBatches, JobBatches
from store_client.resources.jobs import ExperimentJobs, Jobs
from store_client.resources.leases import Leases
from store_client.resources.policy import QueuePolicies
from store_client.resources.reports import JobFiles
from store_client.resources.resource import Resource
from store_client.resources.scheduler import Explanations
from store_client.resources.search import Search
from store_client.resources.sessions import Sessions
from store_client.resources.sources import Sources
from store_client.resources.tasks import Tasks
from store_client.resources.trainings import Trainings
from store_client.resources.variants import Variants
from store_client.resources.views import Views
from store_client.resources.workers import Workers
from store_client.transport import Transport


class Client(Resource):
    """A resource that can be opened in a `with` block; closing it closes its transport."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, also for every other client of the same transport."""
        await self.transport.aclose()


class StoreClient(
    OneExperiment,
    Configs,
    Tasks,
    BulkActs,
    Drafts,
    Ideas,
    Variants,
    Boards,
    Branches,
    Decisions,
    Workers,
    ConsoleWorkers,
    Groups,
    Events,
    Artifacts,
    Checkpoints,
    ExperimentJobs,
    ExperimentJobBatches,
    Client,
):
    """One experiment, as one identity. Every method is a row of the table of calls."""

    def __init__(self, transport: Transport, bearer: Bearer, experiment_id: str) -> None:
        super().__init__(transport, bearer, experiment_id=experiment_id)
        self.experiment_id = experiment_id


class ControlPlaneClient(
    Discovery,
    Experiments,
    Sources,
    CheckpointImports,
    Leases,
    Jobs,
    JobFiles,
    JobBatches,
    Explanations,
    Gpus,
    QueuePolicies,
    Trainings,
    DeploymentWork,
    Attempts,
    DeploymentWorkers,
    DeploymentGroups,
    DeploymentEvents,
    Search,
    Views,
    HealthOfDeployment,
    Sessions,
    Accounts,
    Operators,
    Client,
):
    """A deployment, as one identity. Every method is a row of the table of calls."""

    def store(self, experiment_id: str, bearer: Bearer | None = None) -> StoreClient:
        """A client of one experiment over the same connections; by default with this client's own credential."""
        return StoreClient(self.transport, bearer or self.bearer, experiment_id)
