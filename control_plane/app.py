"""The composition root: one process's wings, wired, as one ASGI application."""

import asyncio
import contextlib
import importlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware

from control_plane import describing, wiring
from control_plane.db.engine import Database
from control_plane.db.revision import is_newest
from control_plane.edge.house import House
from control_plane.edge.notices import Notices
from control_plane.edge.problems import HANDLERS
from control_plane.edge.rounds import Rounds
from control_plane.edge.segments import WholeSegments
from control_plane.handout import hand_out
from control_plane.health.ports import Signs
from control_plane.orchestrator.loop import Orchestrator
from control_plane.orchestrator.ports import Wings
from control_plane.registry import arrivals, creation
from control_plane.registry.operations import lease_signs, leases
from control_plane.registry.operations.bootstrap import Bootstrap, bootstrap
from control_plane.registry.ports import Vouches
from control_plane.registry.routes import Neighbours
from control_plane.registry.seen import Seen
from control_plane.registry.sources import Sources
from control_plane.registry.sync import StateSync
from control_plane.registry.task_store_http import TaskStoreOverHttp
from control_plane.repos.backend import HttpLimits
from control_plane.repos.bundles import Bundles
from control_plane.repos.cleaning import WorkRefs
from control_plane.repos.examine import Examiner
from control_plane.repos.fetching import Fetching
from control_plane.repos.http import GitHttp
from control_plane.repos.packing import Packer
from control_plane.repos.squash import Lineage
from control_plane.repos.vend import Repositories
from control_plane.routes import Rooms, routes
from control_plane.scheduler.cluster_book import ClusterBook
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.engines.slurm import SlurmEngine
from control_plane.scheduler.engines.slurm_commands import Slurm
from control_plane.scheduler.engines.slurm_home import Home
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.logbook import Logbook
from control_plane.scheduler.loop import Scheduler
from control_plane.scheduler.memory import memory_of_machine
from control_plane.scheduler.nursery import Nursery
from control_plane.scheduler.operations import listing, views
from control_plane.scheduler.operations.remote import ticket
from control_plane.scheduler.parts import MIB, Terms
from control_plane.scheduler.passes import Passes
from control_plane.scheduler.progress import Progress
from control_plane.scheduler.remote_routes import Remote
from control_plane.scheduler.retention import Retention
from control_plane.scheduler.routes import Yard
from control_plane.scheduler.rules.board import Situation
from control_plane.scheduler.rules.planning import Plan
from control_plane.scheduler.spool import Spool
from control_plane.search.indexer import Indexer
from control_plane.settings import Cluster, Settings
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.bulk_acting import BulkActing
from control_plane.task_store.checkpoints.automatic import Automatic
from control_plane.task_store.checkpoints.routes import open_checkpoints
from control_plane.task_store.collector import Collector, Garbage
from control_plane.task_store.operations import claims
from control_plane.task_store.reaper import Reaper
from control_plane.task_store.routes import Shelf


@dataclass
class Parts:
    """What one process holds open."""

    settings: Settings
    house: House
    identities: Bootstrap
    repositories: Repositories
    notices: Notices
    orchestrator: Orchestrator | None = None
    scheduler: Scheduler | None = None
    reaper: Reaper | None = None
    sync: StateSync | None = None
    checkpoints: Automatic | None = None
    collector: Collector | None = None
    progress: Progress | None = None
    retention: Retention | None = None
    indexer: Indexer | None = None
    bulk_acting: BulkActing | None = None
    packer: Packer | None = None

    @property
    def searched(self) -> describing.Describing:
        """What a search asks the other wings."""
        return describing.Describing(ArtifactFiles(self.settings.data / "artifacts"))

    @property
    def signs(self) -> Signs:
        """What the health of the parts is told from."""
        return Signs(self.settings.data, lease_signs.read, views.signs)

    @property
    def wings(self) -> Wings:
        """What decisions are taken with, by the orchestrator or by people."""
        examiner, lineage = Examiner(self.repositories), Lineage(self.repositories)
        return wiring.wings(self.identities.orchestrator, examiner, lineage, self.settings.lease_seconds)

    @property
    def _rounds(self) -> tuple[Rounds | None, ...]:
        """What this process does now and then."""
        keeping = self.reaper, self.sync, self.checkpoints, self.collector, self.packer
        return *keeping, self.progress, self.retention, self.indexer, self.bulk_acting

    def start(self) -> None:
        """Start the loops; the event loop that serves requests must be running."""
        self.house.hub.start()
        self.notices.start()
        for loop in (*self._rounds, self.scheduler, self.orchestrator):
            if loop is not None:
                loop.start()

    def latest(self) -> tuple[Situation, Plan | None] | None:
        """What the scheduler of this process, if there is one, saw last."""
        return self.scheduler.latest() if self.scheduler is not None else None

    def stop(self) -> None:
        """Stop the loops, then the writer, then let go of the database."""
        if self.orchestrator is not None:
            self.orchestrator.stop()
        if self.scheduler is not None:
            self.scheduler.stop(ends_attempts=self.settings.ends_attempts)
        for loop in self._rounds:
            if loop is not None:
                loop.stop()
        self.notices.stop()
        self.house.close()
        self.repositories.close()


def build(settings: Settings) -> Starlette:
    """The application of one process; opening it migrates the database."""
    keys = settings.keys()
    if not is_newest(settings.url):
        importlib.import_module("control_plane.db.migrate").upgrade(
            settings.url
        )  # a tenth of a start that needs it not
    house = House(Database.open(settings.url), keys)
    house.seen = Seen(house.writer).note
    house.fence = leases.fence
    repositories = Repositories(settings.data / "repos")
    repositories.tidy(time.time() - HttpLimits().total_seconds)  # a younger push may be another process's, and alive
    identities = house.writer.write(bootstrap)
    if settings.runs_api:  # a loop alone has no neighbours that ask for credentials
        hand_out(house, settings.data, identities)
    _host(house, settings)
    parts = Parts(settings, house, identities, repositories, Notices(house))
    inventory, engine, remote = _engine(settings, house, repositories)
    if settings.runs_api:
        parts.reaper = Reaper(house)
        files = ArtifactFiles(settings.data / "artifacts")
        parts.collector = Collector(Garbage(house, files, settings.upload_retention_seconds))
        parts.indexer = Indexer(house, parts.searched)
        parts.bulk_acting = BulkActing(house)
        parts.packer = Packer(repositories)
        if settings.task_store_url is not None:
            parts.sync = StateSync(house, TaskStoreOverHttp(settings.task_store_url, keys.admin_token))
    if settings.runs_scheduler:
        parts.scheduler = Scheduler(house, engine, wiring.ClaimsForScheduler())
        inventory.tell = parts.scheduler.look_again
        parts.progress, parts.retention = Progress(house, engine), Retention(house, settings.attempts, settings.keeping)
    if settings.runs_orchestrator:
        parts.orchestrator = Orchestrator(house, parts.wings)
    yard = Yard(engine, inventory, wiring.ClaimsForScheduler(), remote, settings.keeping, parts.latest)
    return _application(parts, yard)


def _engine(
    settings: Settings, house: House, repositories: Repositories
) -> tuple[Inventory, LocalEngine | SlurmEngine, Remote]:
    """What this machine has to give, where attempts run, and where those on other machines are heard."""
    terms = Terms(foreign_bytes=int(settings.foreign_mib * MIB), reserved=settings.reserved_gpus)
    memory = memory_of_machine()
    inventory = Inventory(settings.cpu_slots, settings.visible_gpus, terms, Logbook(house), memory_bytes=memory)
    spool = Spool(settings.attempts)
    if settings.cluster is not None:
        cluster = _cluster(settings.cluster, house, spool, repositories)
        return inventory, cluster, Remote(spool, cluster.arrived, settings.keeping)
    local = LocalEngine(settings.attempts, repositories, inventory, settings.keeping, Nursery(settings.attempts))
    local.cgroups = settings.cgroup or local.cgroups
    local.secrets, local.url = Passes(house).secrets, settings.own_url
    return inventory, local, Remote(spool, keeping=settings.keeping)


def _cluster(cluster: Cluster, house: House, spool: Spool, repositories: Repositories) -> SlurmEngine:
    """The engine of a cluster; its jobs there are told from other deployments' by a name of their own."""
    home = Home(
        cluster.public_url,
        cluster.python,
        cluster.scratch,
        deployment=house.keys.digest("the name of this deployment among a cluster's jobs")[:8],
        ticket=partial(ticket, house.keys),
        book=ClusterBook(house),
    )
    return SlurmEngine(Slurm(cluster.partition, cluster.variables), home, spool, repositories)


def _shelf(parts: Parts) -> Shelf:
    """What the task store keeps beside its tables, and what git lends it."""
    house, settings = parts.house, parts.settings
    checkpoints = open_checkpoints(house, settings.data, Bundles(parts.repositories), arrivals)
    checkpoints.spool.max_bytes = settings.largest_checkpoint_bytes
    if settings.runs_api:
        checkpoints.load.sweep()
        parts.checkpoints = Automatic(house, checkpoints.dump, checkpoints.ring)
    asked = wiring.RepositoryForTaskStore(Examiner(parts.repositories))
    return Shelf(
        settings.data / "artifacts",
        jobs=listing.latest_of_tasks,
        is_unchanged=asked.is_unchanged,
        checkpoints=checkpoints,
        refs=WorkRefs(parts.repositories),
    )


def _neighbours(parts: Parts) -> Neighbours:
    """What the other wings lend to the registry, and where new experiments come from."""
    house, settings, repositories = parts.house, parts.settings, parts.repositories
    fetching = Fetching(repositories.git, settings.remotes)
    return Neighbours(
        repositories,
        claims.open_by_worker,
        lease_seconds=settings.lease_seconds,
        refresh=parts.sync.refresh if parts.sync is not None else None,
        sources=Sources(house, repositories, fetching, settings.data / "sources", settings.examples),
        provider=_provider(settings),
    )


def _provider(settings: Settings) -> Vouches | None:
    """The provider that people sign in with; where there is none, what checks signatures is not even loaded."""
    if settings.provider is None:
        return None
    provider: Vouches = importlib.import_module("control_plane.registry.provider").Provider(settings.provider)
    return provider


def _application(parts: Parts, yard: Yard) -> Starlette:
    house, settings = parts.house, parts.settings
    gate = wiring.GitGate(house)
    git = GitHttp(parts.repositories, gate, gate.pushed)
    neighbours = _neighbours(parts)
    shelf = _shelf(parts)
    trainings = wiring.trainings(settings.experiment_id, yard.lookout.places)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        parts.start()
        try:
            yield
        finally:
            await asyncio.to_thread(parts.stop)

    app = Starlette(
        routes=routes(house, Rooms(neighbours, shelf, yard, trainings, parts.searched, parts.wings, parts.signs), git),
        exception_handlers=dict(HANDLERS),
        middleware=[Middleware(WholeSegments)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # an address with a slash too many is none of ours
    app.state.parts = parts
    return app


def _host(house: House, settings: Settings) -> None:
    """Have the experiment that the command line names, with no workers and no groups in it."""
    if settings.experiment_id is None or settings.experiment_config is None:
        return
    experiment_id = settings.experiment_id
    text = settings.experiment_config.read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    house.writer.write(lambda tx: creation.host(tx, experiment_id, config, text), experiment_id=experiment_id)
