"""The orchestrator's loop: after every commit, and once a second, take the decisions of whatever changed."""

import logging
import threading
import time
from collections import defaultdict
from functools import partial

from sqlalchemy import RowMapping

from control_plane.db import log
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller, Tx
from control_plane.edge.house import House
from control_plane.orchestrator import decisions, integrator
from control_plane.orchestrator.decisions import Desk
from control_plane.orchestrator.glance import Glance, has_work
from control_plane.orchestrator.keeper import Keeper, LeaseLost
from control_plane.orchestrator.memory import Memory
from control_plane.orchestrator.ports import Wings
from store_client.wire.experiments import DispatchMode, Status

logger = logging.getLogger(__name__)
WAKE_SECONDS = 1.0
FULL_ROUND_SECONDS = 5.0
PAUSE_SECONDS = 0.02
"""Between two rounds: what is committed meanwhile is decided on in one."""
NO_CAUSE = {
    "task.created", "idea.drafted", "idea.dispatched", "idea.completed", "experiment.policy_error",
}  # fmt: skip
CAUSES = log.PROTOCOL_TYPES - NO_CAUSE | {f"experiment.{act}" for act in ("created", "started", "resumed", "ended")}
"""The events after which there may be something to decide."""


class Orchestrator:
    """Decides for every experiment of the deployment, on a thread of its own."""

    def __init__(self, house: House, wings: Wings) -> None:
        self._house, self._wings = house, wings
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._callers: dict[str, Caller] = {}
        self._memories: defaultdict[str, Memory] = defaultdict(Memory)
        self._position = 0
        self._undrained: set[str] | None = None
        self._drained: set[str] = set()
        self._keeper = Keeper(house, wings.leases, wings.lease_seconds)
        self._thread = threading.Thread(target=self._run, name="orchestrator", daemon=True)

    def start(self) -> None:
        self._house.hub.listen(self.tell)
        self._thread.start()

    def stop(self) -> None:
        self._house.hub.forget(self.tell)
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._keeper.close()

    def tell(self, experiments: frozenset[str]) -> None:
        """Something was committed in these experiments."""
        if experiments - {DEPLOYMENT}:
            self._wake.set()

    def _run(self) -> None:
        looked_at_all = float("-inf")
        while not self._stopping.is_set():
            is_due = time.monotonic() - looked_at_all >= FULL_ROUND_SECONDS
            if is_due:
                looked_at_all = time.monotonic()
            try:
                self.round(everything=is_due)
            except Exception:
                logger.exception("the orchestrator could not finish a round; it tries again")
                looked_at_all = float("-inf")
                self._undrained = None
                self._stopping.wait(WAKE_SECONDS)
            self._stopping.wait(PAUSE_SECONDS)
            self._wake.wait(WAKE_SECONDS)
            self._wake.clear()

    def round(self, *, everything: bool = True) -> None:
        """Decide for the experiments that changed, or for all."""
        self._keeper.keep()
        glances = self._house.read_now(partial(self._due, everything=everything))
        for experiment_id in self._keeper.claim([glance.row["experiment_id"] for glance in glances]):
            self._memories.pop(experiment_id, None)  # somebody else may have decided meanwhile
        for glance in glances:
            self._keeper.keep()
            self._see_to(glance)
        self._keeper.release(self._drained)
        self._drained.clear()

    def _due(self, tx: Tx, *, everything: bool) -> list[Glance]:
        """The experiments to decide for: the changed ones, ended ones with work left and, if asked, all open ones.

        One that is among them only for being open is glanced at: what waits in all of these is asked at once.
        """
        registry = self._wings.registry
        if self._undrained is None:
            self._undrained = set(registry.ended_experiments(tx))
        self._position, changed = log.changed_after(tx.connection, self._position, CAUSES)
        rows = {row["experiment_id"]: row for row in (registry.open_experiments(tx) if everything else ())}
        others = (changed | self._undrained) - rows.keys() - {DEPLOYMENT}
        named = registry.named_experiments(tx, others) if others else ()
        self._undrained &= {row["experiment_id"] for row in named}  # what is no longer registered is nobody's to drain
        outlooks = self._wings.outlooks.of(tx, rows.keys() - changed) if rows else {}
        return [Glance(row, outlooks.get(row["experiment_id"]), tx.now) for row in (*rows.values(), *named)]

    def _see_to(self, glance: Glance) -> None:
        """One experiment, if it is this orchestrator's; a fault in it does not stop the others."""
        row = glance.row
        try:
            if self._keeper.holds(row["experiment_id"]):
                memory = self._memories[row["experiment_id"]]
                if has_work(glance, memory):
                    memory.is_settled = False
                    self.step(row)
                    memory.is_settled = True
            elif Status(row["status"]).is_final:
                self._unfinished.add(row["experiment_id"])
        except LeaseLost as lost:
            logger.warning("%s: the lease was lost: %s", row["slug"], lost)
            self._keeper.drop([row["experiment_id"]])
        except Exception:
            logger.exception("%s: its decisions could not be taken; they are tried again", row["slug"])

    def step(self, row: RowMapping) -> None:
        """Settle submissions, then the five decisions in order, each as its dispatch mode allows."""
        experiment_id = row["experiment_id"]
        caller, memory = self._caller(experiment_id), self._memories[experiment_id]
        desk = Desk(self._house, self._wings, experiment_id, caller, self._keeper.fence, memory)
        mode, status = DispatchMode.model_validate(row["dispatch_mode"]), Status(row["status"])
        settled = decisions.settle(desk)
        if status is Status.RUNNING and not (mode.termination == "auto" and decisions.terminate(desk, row["config"])):
            self._dispatch(desk, mode, row)
        integrated = self._integrate(desk) if mode.integration == "auto" else 0
        if status.is_final:
            self._drain(desk, is_quiet=not settled and not integrated)

    def _dispatch(self, desk: Desk, mode: DispatchMode, row: RowMapping) -> None:
        config = row["config"]
        decisions.create_baseline(desk, config, row["base_commit_sha"])
        if mode.ideation_creation == "auto":
            decisions.create_ideations(desk, config)
        if mode.execution_dispatch == "auto":
            decisions.dispatch_executions(desk, config, mode)
        if mode.evaluation_dispatch == "auto":
            decisions.dispatch_evaluations(desk)

    def _integrate(self, desk: Desk) -> int:
        if not desk.memory.is_swept:
            integrator.sweep(desk)
            desk.memory.is_swept = True
        return integrator.integrate_all(desk)

    def _drain(self, desk: Desk, *, is_quiet: bool) -> None:
        """An ended experiment is looked at until it is quiet, then released; and again when something changes in it."""
        if is_quiet:
            self._unfinished.discard(desk.experiment_id)
            self._memories.pop(desk.experiment_id, None)
            self._drained.add(desk.experiment_id)
        else:
            self._unfinished.add(desk.experiment_id)

    @property
    def _unfinished(self) -> set[str]:
        """The ended experiments that have to be looked at."""
        if self._undrained is None:
            self._undrained = set()
        return self._undrained

    def _caller(self, experiment_id: str) -> Caller:
        if experiment_id not in self._callers:
            worker_id = self._house.writer.write(lambda tx: self._wings.registry.orchestrator_of(tx, experiment_id))
            self._callers[experiment_id] = Caller(worker_id, experiment_id, "orchestrator")
        return self._callers[experiment_id]
