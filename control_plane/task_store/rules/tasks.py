"""The task state machine (protocol §4.1) and who may claim (§4.3)."""

from collections.abc import Mapping
from typing import Any

from control_plane.task_store.rules.moves import Move, Row, make
from store_client.errors import IllegalTransition, InvalidPrecondition, NotClaimed, WorkerNotEligible, WrongClaimant
from store_client.wire.tasks import SUBJECT, ReclaimCause, TaskKind, TaskState

PENDING, CLAIMED, SUBMITTED = TaskState.PENDING, TaskState.CLAIMED, TaskState.SUBMITTED
COMPLETED, FAILED = TaskState.COMPLETED, TaskState.FAILED

MOVES: Mapping[str, Move[TaskState]] = {
    "claim": Move(frozenset({PENDING}), CLAIMED),
    "renew": Move(frozenset({CLAIMED}), CLAIMED, NotClaimed),
    "submit": Move(frozenset({CLAIMED}), SUBMITTED, NotClaimed),
    "accept": Move(frozenset({SUBMITTED}), COMPLETED),
    "reject": Move(frozenset({SUBMITTED}), FAILED),
    "reclaim": Move(frozenset({CLAIMED, SUBMITTED}), PENDING),
    "reassign": Move(frozenset({PENDING, CLAIMED}), PENDING, InvalidPrecondition),
}


def move(act: str, task: Row) -> TaskState:
    """The state of the task after the act, or the act's refusal."""
    return make(MOVES, act, TaskState(task["state"]), f"task {task['task_id']}")


def must_be_reclaimable(task: Row, cause: ReclaimCause) -> None:
    """Only an operator takes back what has been submitted (§4.6.2)."""
    move("reclaim", task)
    if task["state"] == SUBMITTED and cause != "operator":
        raise IllegalTransition("a submitted task is reclaimed by an operator only")


def must_hold(task: Row, worker_id: str) -> None:
    """The worker is the claimant, or was when it submitted."""
    if worker_id != (task["submitted_by"] if task["state"] == SUBMITTED else task["claimed_by"]):
        raise WrongClaimant(f"task {task['task_id']} is held by another worker")


def is_eligible(task: Row, worker_id: str, groups: set[str]) -> bool:
    """Whether a worker, transitively in these groups, meets the task's target."""
    if task["target_id"] is None:
        return True
    return bool(task["target_id"] == worker_id if task["target_kind"] == "worker" else task["target_id"] in groups)


def must_be_eligible(task: Row, worker_id: str, groups: set[str]) -> None:
    if not is_eligible(task, worker_id, groups):
        raise WorkerNotEligible(f"task {task['task_id']} is for {task['target_kind']} {task['target_id']}")


def subject_of(kind: TaskKind, payload: Mapping[str, Any]) -> str | None:
    """The idea or variant that the task is about; an ideation is about nothing yet."""
    return None if kind == "ideation" else str(payload[SUBJECT[kind]])
