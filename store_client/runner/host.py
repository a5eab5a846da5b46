"""A worker host for one role of one experiment: up to `width` tasks at once, each from claim to submission."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field

from store_client.client import StoreClient
from store_client.errors import Refused, Unreachable
from store_client.roles.history import IdeaTexts
from store_client.roles.orders import KIND_OF, Assignment
from store_client.runner.breaker import Breaker
from store_client.runner.claims import Claims
from store_client.runner.endure import Endurance
from store_client.runner.runs import Queued, Runs
from store_client.runner.work import Finding, Workshop, concession
from store_client.settle import Landed, Settled, Unknown, settle_submission
from store_client.transport import Patience
from store_client.wire.experiments import ExperimentDetail, Role
from store_client.wire.ideas import IdeaState
from store_client.wire.tasks import Claim, TaskDetail

logger = logging.getLogger(__name__)
CONFIG_CHANGED = "experiment.config_changed"
"""The event after which a host reads the experiment anew."""
BACKLOG = 2
"""So many ready ideas per parallel variant are enough."""


@dataclass(frozen=True)
class Pace:
    """How often a host looks by itself, how long it claims for, how it waits for a server, how much it does at once."""

    look_seconds: float = 15.0
    lease_seconds: float = 120.0
    renew_seconds: float = 30.0
    width: int | None = None
    patience: Patience = field(default_factory=lambda: Patience(first_pause_seconds=0.25, longest_pause_seconds=5.0))
    rest_seconds: float = 30.0
    """After three failures of its own in a row, before it tries a single task again."""


class Host:
    """Claims and does the tasks of one role; `wake` it when there may be some."""

    def __init__(self, store: StoreClient, role: Role, runs: Runs | None = None, pace: Pace | None = None) -> None:
        self.role = role
        self.is_claiming = True
        self._store = store
        self._pace = pace or Pace()
        lease = self._pace.lease_seconds
        self._claims = Claims(store, KIND_OF[role], lease, min(lease / 4, self._pace.renew_seconds))
        self._runs = runs or Queued(store)
        self._workshop = Workshop(store, self._runs, IdeaTexts(store))
        self._experiment: ExperimentDetail | None = None
        self._configs, self._configs_read = 0, 0
        self._hands: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._name = f"{role} of {store.experiment_id}"
        self._endurance = Endurance(self._pace.patience)
        self._breaker = Breaker(self._pace.rest_seconds)

    @property
    def is_busy(self) -> bool:
        return bool(self._hands)

    def wake(self) -> None:
        """Look for tasks now."""
        self._wake.set()

    def reread(self) -> None:
        """The config is another one now: what is taken from here on is done by it."""
        self._configs += 1
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what is in hand then stays claimed, and the next host of this identity goes on."""
        try:
            while True:
                self._wake.clear()
                if not await self._endurance.endure(self._name, self.tick()):
                    await self._endurance.pause()
                    continue
                await self._rest()
        finally:
            await _end(*self._hands.values())

    async def once(self) -> None:
        """Do the first task that can be had, then return."""
        try:
            while not self._hands:
                self._wake.clear()
                if not await self._endurance.endure(self._name, self.tick()):
                    await self._endurance.pause()
                elif not self._hands:
                    await self._rest()
            await asyncio.gather(*self._hands.values())
        finally:
            await _end(*self._hands.values())

    async def _rest(self) -> None:
        """Until there may be something to do."""
        with suppress(TimeoutError):
            # wait_for would swallow a cancellation that comes together with a wake.
            async with asyncio.timeout(self._pace.look_seconds):
                await self._wake.wait()

    async def tick(self) -> None:
        """Go on with what is claimed, then claim as much as there is room for."""
        experiment = self._experiment
        if experiment is None:
            experiment = await self._read()
            for task, claim in await self._claims.held():
                self._take_up(Assignment(experiment, task.task_id, claim))
        elif self._configs_read != self._configs:
            experiment = await self._read()
        self._experiment = experiment
        while self.role in experiment.commands and self._has_room(experiment):
            if self.role == "ideator" and await self._has_ideas_to_spare(experiment):
                return
            taken: tuple[TaskDetail, Claim] | None = await self._claims.take()
            if taken is None:
                return
            self._experiment = None  # until it is read, a fault leaves the claim to the next look
            self._experiment = experiment = await self._read()
            self._take_up(Assignment(experiment, taken[0].task_id, taken[1]))

    async def _read(self) -> ExperimentDetail:
        """The experiment as it is now; what is read after a claim is no older than its task."""
        number = self._configs
        experiment = self._runs.equipped(await self._store.read_experiment_detail())
        self._configs_read = number
        return experiment

    def _has_room(self, experiment: ExperimentDetail) -> bool:
        in_hand = len(self._hands)
        return self.is_claiming and in_hand < self._width(experiment) and self._breaker.lets_in(in_hand)

    async def _has_ideas_to_spare(self, experiment: ExperimentDetail) -> bool:
        """Whether enough ideas wait already: those proposed later know more results."""
        ready = await self._store.list_idea_page(state=IdeaState.READY, limit=1)
        return (ready.total or 0) >= BACKLOG * experiment.parallel_variants

    def _width(self, experiment: ExperimentDetail) -> int:
        return 1 if self.role == "ideator" else self._pace.width or experiment.parallel_variants

    def _take_up(self, assignment: Assignment) -> None:
        if assignment.task_id not in self._hands:
            hand = asyncio.create_task(self._hold(assignment), name=assignment.task_id)
            self._hands[assignment.task_id] = hand

    async def _hold(self, assignment: Assignment) -> None:
        """Work to the end; after a failure the claim expires by itself, and somebody tries again."""
        try:
            await Endurance().endure(f"{self._name}: task {assignment.task_id} was left", self.work(assignment))
        finally:
            self._hands.pop(assignment.task_id, None)
            self.wake()

    async def work(self, assignment: Assignment) -> None:
        """Do one claimed task while keeping its claim; without the claim, stop and discard."""
        finishing = asyncio.create_task(self._finish(assignment))
        keeping = asyncio.create_task(self._claims.keep(assignment.task_id))
        try:
            await asyncio.wait({finishing, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_lost = not finishing.done()
            await _end(finishing, keeping)
        if is_lost:
            logger.warning("%s: task %s is no longer ours; its work is discarded", self._name, assignment.task_id)
            await self._runs.discard(assignment)
        else:
            finishing.result()
            await self._runs.forget(assignment)

    async def _finish(self, assignment: Assignment) -> None:
        """Work and submit; while the server is away wait, and take the steps again from the first."""
        attempt = 0
        while not await self._tried(assignment):
            await self._pace.patience.pause(min(attempt, 8))
            attempt += 1

    async def _tried(self, assignment: Assignment) -> bool:
        """Whether the server was there for the whole of the work."""
        try:
            finding = await self._workshop.of(self.role)(assignment)
            settled = await self._submit(assignment, finding)
        except Unreachable as error:
            logger.debug("%s: task %s waits: %s", self._name, assignment.task_id, error)
            return False
        if isinstance(settled, Unknown):
            return False
        self._learn(finding)
        return True

    def _learn(self, finding: Finding) -> None:
        """Take up less work while all of it fails."""
        if not finding.is_own_fault:
            self._breaker.succeeded()
        elif (rest := self._breaker.failed()) is not None:
            said = "%s: %d tasks in a row failed here, the last because: %s; it tries a single one in %g s"
            logger.error(said, self._name, self._breaker.fails, finding.reason, rest)

    async def _submit(self, assignment: Assignment, finding: Finding) -> Settled:
        """Submit a finding; when the server refuses the success, submit that it is none."""
        try:
            settled = await settle_submission(self._store, assignment.task_id, finding.result)
        except Refused as error:
            lesser = concession(finding.result)
            if lesser is None:
                raise
            finding = Finding(lesser, error.detail)
            settled = await settle_submission(self._store, assignment.task_id, finding.result)
        self._note(assignment, finding, settled)
        return settled

    def _note(self, assignment: Assignment, finding: Finding, settled: Settled) -> None:
        said = f"{finding.result.status}: {finding.reason}" if finding.reason else finding.result.status
        level = logging.INFO if isinstance(settled, Landed) else logging.WARNING
        logger.log(level, "%s: task %s: %s, %s", self._name, assignment.task_id, said, type(settled).__name__.lower())


async def _end(*tasks: asyncio.Task[None] | asyncio.Task[str]) -> None:
    """Cancel tasks and wait until they have stopped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
