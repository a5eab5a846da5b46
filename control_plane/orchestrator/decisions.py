"""The five decisions taken for one experiment: read what waits, decide, act through the store's own operations."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeGuard, TypeVar

from control_plane.db.transaction import Caller, Tx
from control_plane.edge.house import House
from control_plane.orchestrator import rules
from control_plane.orchestrator.memory import Memory
from control_plane.orchestrator.ports import Evaluable, Submitted, Wings
from store_client.errors import BadRequest, IllegalTransition, NotFound, Refused, Unreachable
from store_client.wire.experiments import DispatchMode, PolicyError, Terminate
from store_client.wire.ideas import Idea
from store_client.wire.tasks import CreateTask, RejectReason, RejectTask, TaskKind
from store_client.wire.variants import CreateVariant

logger = logging.getLogger(__name__)
T = TypeVar("T")
OF_METRICS = {"convergence_window", "target_condition"}
POLICY_FAULTS = (ArithmeticError, LookupError, TypeError, ValueError)
"""What computing a policy may fail with."""
METRICS_LIMIT = 10_000
"""So many of the last integrated variants does a termination policy look at."""


@dataclass(frozen=True)
class Desk:
    """The orchestrator at work in one experiment, as its worker there."""

    house: House
    wings: Wings
    experiment_id: str
    caller: Caller
    fence: Callable[[Tx], None]
    """Raises where the experiment is no longer this orchestrator's to decide for."""
    memory: Memory = field(default_factory=Memory)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Act, in one transaction with the proof that one still may."""

        def fenced(tx: Tx) -> T:
            self.fence(tx)
            return work(tx)

        return self.house.writer.write(fenced, self.caller, self.experiment_id)

    def read(self, work: Callable[[Tx], T]) -> T:
        return self.house.read_now(lambda tx: work(tx.at(self.experiment_id, self.caller)))

    def try_to(self, work: Callable[[Tx], Any]) -> bool:
        """Whether an act went through; somebody else may have been first, which is as good."""
        try:
            self.write(work)
        except Refused as error:
            logger.info("%s: %s", self.experiment_id, error)
            return False
        return True


def settle(desk: Desk) -> int:
    """Accept or reject every submission; how many there were."""
    waiting = desk.read(desk.wings.dispatch.submitted)
    for submitted in waiting:
        task_id = submitted.task.task_id
        if desk.memory.rests(task_id):
            continue
        try:
            facts = _commit_facts(desk, submitted)
        except (Unreachable, NotFound) as error:
            desk.memory.rest(task_id)
            logger.warning("task %s: git cannot say what was submitted: %s", task_id, error)
        else:
            decide(desk, task_id, rules.verdict(str(submitted.payload.get("status")), facts))
    return len(waiting)


def decide(desk: Desk, task_id: str, reason: RejectReason | None) -> None:
    """Accept; or reject with a reason, also when the store cannot accept what was submitted."""
    tasks = desk.wings.tasks
    if reason is None:
        try:
            desk.write(lambda tx: tasks.accept(tx, task_id))
        except (IllegalTransition, NotFound) as error:
            logger.info("task %s moved on: %s", task_id, error)
        except Refused as error:
            logger.info("task %s is rejected: %s", task_id, error)
            reason = "validation_error"
    if reason is not None:
        body = RejectTask(reason=reason)
        desk.try_to(lambda tx: tasks.reject(tx, task_id, body))


def _commit_facts(desk: Desk, submitted: Submitted) -> rules.CommitFacts | None:
    """What git says of a successful execution's commit; asked before the transaction that decides."""
    commit = submitted.payload.get("commit_sha")
    if submitted.task.kind != "execution" or submitted.payload.get("status") != "success" or not commit:
        return None
    variant_id = str(submitted.payload["variant_id"])
    variant = desk.read(lambda tx: desk.wings.variants.read(tx, variant_id))
    try:
        facts = desk.wings.repository.examine(desk.experiment_id, str(commit), variant.parent_commits)
    except BadRequest:  # no commit has such a name
        return rules.CommitFacts(is_there=False, descends=False, changes_something=False)
    return rules.CommitFacts(facts.exists, facts.is_descendant, not facts.is_unchanged)


def terminate(desk: Desk, config: dict[str, Any]) -> bool:
    """Decision 0: whether the termination policy ended the experiment; a policy that fails is reported."""
    policy = config.get("termination_policy")
    if policy is None:
        return False
    try:
        reason = _reason_to_end(desk, policy)
    except POLICY_FAULTS as error:
        _report(desk, PolicyError(policy_kind="termination", error_type=type(error).__name__, error_message=str(error)))
        return False
    desk.memory.fault = None
    if reason is None:
        return False
    return desk.try_to(lambda tx: desk.wings.registry.terminate(tx, Terminate(reason=reason)))


def _report(desk: Desk, fault: PolicyError) -> None:
    """Tell a policy's fault once, not with every look at it."""
    if fault != desk.memory.fault:
        logger.warning("%s: the termination policy failed: %s", desk.experiment_id, fault.error_message)
        desk.try_to(lambda tx: desk.wings.registry.report_policy_error(tx, fault))
        desk.memory.fault = fault


def _reason_to_end(desk: Desk, policy: dict[str, Any]) -> str | None:
    """What the policy says; one that looks at metrics is asked again only when there are more of them."""
    if policy["kind"] not in OF_METRICS:
        return rules.termination(policy, desk.read(lambda tx: view(tx, desk.wings, 0)))
    count = desk.read(desk.wings.dispatch.integrated)
    if desk.memory.judged == (policy, count):
        return None
    reason = rules.termination(policy, desk.read(lambda tx: view(tx, desk.wings, METRICS_LIMIT)))
    if reason is None:
        desk.memory.judged = policy, count
    return reason


def view(tx: Tx, wings: Wings, window: int) -> rules.View:
    """What a policy may know of an experiment; `window` is how many of the last metrics it looks at."""
    return rules.View(
        created_at=tx.experiment["created_at"],
        now=tx.now,
        attempted=wings.dispatch.attempted(tx),
        in_flight=wings.dispatch.in_flight(tx),
        integrated=wings.dispatch.integrated_metrics(tx, window) if window else (),
    )


def create_baseline(desk: Desk, config: dict[str, Any], base_commit: str | None) -> bool:
    """The seed commit as a variant, scored like any other or by the metrics of the config; no key gates it."""
    if not lacks_baseline(base_commit, config, desk.memory):
        return False
    desk.memory.has_baseline = desk.read(desk.wings.dispatch.has_baseline)
    if desk.memory.has_baseline:
        return False

    def create(tx: Tx) -> None:
        metrics = (config.get("baseline") or {}).get("metrics")
        given = {"evaluation": metrics, "completed_at": tx.now} if metrics is not None else {}
        body = CreateVariant(
            variant_id=tx.mint("v").replace("_", "-"),
            experiment_id=tx.experiment_id,
            kind="baseline",
            status="success" if metrics is not None else "starting",
            parent_commits=(base_commit,),
            commit_sha=base_commit,
            started_at=tx.now,
            **given,
        )
        desk.wings.variants.create(tx, body)

    return desk.try_to(create)


def lacks_baseline(base_commit: str | None, config: dict[str, Any], memory: Memory) -> TypeGuard[str]:
    """Whether there should be a baseline and none has been seen."""
    is_wanted = (config.get("baseline") or {}).get("enabled", True)
    return bool(is_wanted) and base_commit is not None and not memory.has_baseline


def create_ideations(desk: Desk, config: dict[str, Any]) -> bool:
    """Decision 1: top the ideation tasks up as the policy says; whether any was missing."""

    def missing(tx: Tx) -> int:
        count = desk.wings.dispatch.ideations(tx)
        return rules.ideation_shortfall(config.get("ideation_policy"), count.pending, count.total)

    def create(tx: Tx) -> None:
        for _ in range(missing(tx)):
            _create_task(tx, desk.wings, "ideation", tx.experiment_id)

    return desk.read(missing) > 0 and desk.try_to(create)


def dispatch_executions(desk: Desk, config: dict[str, Any], mode: DispatchMode) -> bool:
    """Decision 2: the best ready ideas, as many as `parallel_variants` and the termination policy leave room for."""
    policy = config.get("termination_policy") if mode.termination == "auto" else None

    def next_ideas(tx: Tx) -> Sequence[Idea]:
        store = desk.wings.dispatch
        if not store.ready_ideas(tx, 1):
            return ()
        left = rules.variants_left(policy, store.attempted(tx), store.executing(tx))
        room = rules.execution_room(int(config["parallel_variants"]), store.in_flight(tx), left)
        return store.ready_ideas(tx, room) if room else ()

    def dispatch(tx: Tx) -> None:
        for idea in next_ideas(tx):
            _create_task(tx, desk.wings, "execution", idea.idea_id)

    return bool(desk.read(next_ideas)) and desk.try_to(dispatch)


def dispatch_evaluations(desk: Desk) -> int:
    """Decision 3: each variant with a commit is evaluated; one whose evaluator keeps failing is given up."""
    waiting = desk.read(desk.wings.dispatch.evaluable)
    for one in waiting:
        desk.try_to(partial(_evaluate, wings=desk.wings, one=one))
    return len(waiting)


def _evaluate(tx: Tx, wings: Wings, one: Evaluable) -> None:
    if rules.is_worth_evaluating(one.evaluation_attempts):
        _create_task(tx, wings, "evaluation", one.variant.variant_id)
    else:
        wings.variants.declare_evaluation_error(tx, one.variant.variant_id)


def _create_task(tx: Tx, wings: Wings, kind: TaskKind, subject: str) -> None:
    key = {"ideation": "experiment_id", "execution": "idea_id", "evaluation": "variant_id"}[kind]
    body = CreateTask(
        task_id=tx.mint("t").replace("_", "-"),
        kind=kind,
        state="pending",
        payload={key: subject},
        created_at=tx.now,
        updated_at=tx.now,
    )
    wings.tasks.create(tx, body)
