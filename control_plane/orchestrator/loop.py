"""The orchestrator's loop: after every commit, and once a second, take the decisions of whatever changed."""

import logging
import threading
import time

from sqlalchemy import RowMapping

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller
from control_plane.edge.house import House
from control_plane.orchestrator import decisions, integrator
from control_plane.orchestrator.decisions import Desk
from control_plane.orchestrator.ports import Wings
from store_client.wire.experiments import DispatchMode, Status

logger = logging.getLogger(__name__)
SWEEP_SECONDS = 1.0
FULL_ROUND_SECONDS = 5.0


class Orchestrator:
    """Decides for every experiment of the deployment, on a thread of its own."""

    def __init__(self, house: House, wings: Wings) -> None:
        self._house, self._wings = house, wings
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._callers: dict[str, Caller] = {}
        self._refused: dict[str, set[str]] = {}
        self._drained: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="orchestrator", daemon=True)

    def start(self) -> None:
        self._house.hub.listen(self.tell)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def tell(self, experiments: frozenset[str]) -> None:
        """Something was committed in these experiments."""
        with self._lock:
            self._told |= experiments - {DEPLOYMENT}
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
                self._stopping.wait(SWEEP_SECONDS)
            self._wake.wait(SWEEP_SECONDS)
            self._wake.clear()

    def round(self, *, everything: bool = True) -> None:
        """Give expired claims back, then decide for the experiments that changed, or for all."""
        self._house.writer.write(self._wings.claims.sweep_expired)
        with self._lock:
            told, self._told = self._told, set()
        for row in self._house.read_now(self._wings.registry.open_experiments):
            if (everything or row["experiment_id"] in told) and row["experiment_id"] not in self._drained:
                self._see_to(row)

    def _see_to(self, row: RowMapping) -> None:
        """One experiment; a fault in it does not stop the others."""
        try:
            self.step(row)
        except Exception:
            logger.exception("%s: its decisions could not be taken; they are tried again", row["slug"])

    def step(self, row: RowMapping) -> None:
        """Settle submissions, then the five decisions in order, each as its dispatch mode allows."""
        desk = Desk(self._house, self._wings, row["experiment_id"], self._caller(row["experiment_id"]))
        mode = DispatchMode.model_validate(row["dispatch_mode"])
        status, config = Status(row["status"]), row["config"]
        settled = decisions.settle(desk)
        ended = False
        if status is Status.RUNNING:
            ended = mode.termination == "auto" and decisions.terminate(desk, config)
            if not ended:
                self._dispatch(desk, mode, row)
        integrated = 0
        if mode.integration == "auto":
            integrated = integrator.integrate_all(desk, self._refused.setdefault(row["experiment_id"], set()))
        if status.is_final and not settled and not integrated and self._is_drained(desk):
            self._drained.add(row["experiment_id"])

    def _dispatch(self, desk: Desk, mode: DispatchMode, row: RowMapping) -> None:
        config = row["config"]
        decisions.create_baseline(desk, config, row["base_commit_sha"])
        if mode.ideation_creation == "auto":
            decisions.create_ideations(desk, config)
        if mode.execution_dispatch == "auto":
            decisions.dispatch_executions(desk, config, mode)
        if mode.evaluation_dispatch == "auto":
            decisions.dispatch_evaluations(desk)

    def _is_drained(self, desk: Desk) -> bool:
        """Whether an ended experiment can need no further decision: nothing is claimed, submitted or unintegrated."""
        return not desk.read(self._wings.dispatch.integrable) and not desk.read(self._wings.dispatch.in_hand)

    def _caller(self, experiment_id: str) -> Caller:
        if experiment_id not in self._callers:
            worker_id = self._house.writer.write(lambda tx: self._wings.registry.orchestrator_of(tx, experiment_id))
            self._callers[experiment_id] = Caller(worker_id, experiment_id, "orchestrator")
        return self._callers[experiment_id]
