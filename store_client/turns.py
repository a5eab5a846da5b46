"""Accepting, rejecting and reclaiming through silence: never done twice, so the task is read in between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from store_client.client import StoreClient
from store_client.errors import IllegalTransition, Unreachable
from store_client.settle import Landed, Lost, Settled, Unknown
from store_client.wire.tasks import ReclaimCause, RejectReason, Task, TaskState

ATTEMPTS = 3


@dataclass(frozen=True)
class Turn:
    """An act on a task that must not be done twice: whether it has been done, and whether it still can be."""

    act: Callable[[], Awaitable[None]]
    has_landed: Callable[[Task], bool]
    may_begin: Callable[[Task], bool]


async def settle_accept(store: StoreClient, task_id: str) -> Settled:
    """Accept a submission, once. A refusal that no silence went before is raised, here and below."""
    turn = Turn(
        lambda: store.accept_task(task_id),
        has_landed=lambda task: task.state is TaskState.COMPLETED,
        may_begin=lambda task: task.state is TaskState.SUBMITTED,
    )
    return await _settle_turn(store, task_id, turn)


async def settle_reject(store: StoreClient, task_id: str, reason: RejectReason) -> Settled:
    """Reject a submission, once."""
    turn = Turn(
        lambda: store.reject_task(task_id, reason),
        has_landed=lambda task: task.state is TaskState.FAILED,
        may_begin=lambda task: task.state is TaskState.SUBMITTED,
    )
    return await _settle_turn(store, task_id, turn)


async def settle_reclaim(store: StoreClient, before: Task, cause: ReclaimCause) -> Settled:
    """Take the claim away that a task had when it was read, and no later one."""
    held = {TaskState.CLAIMED, TaskState.SUBMITTED}
    turn = Turn(
        lambda: store.reclaim_task(before.task_id, cause),
        has_landed=lambda task: task.state is TaskState.PENDING or (task.state in held and task.claim != before.claim),
        may_begin=lambda task: task.state in held and task.claim == before.claim,
    )
    return await _settle_turn(store, before.task_id, turn)


async def _settle_turn(store: StoreClient, task_id: str, turn: Turn) -> Settled:
    silence = ""
    for _ in range(ATTEMPTS):
        try:
            await turn.act()
        except Unreachable as error:
            silence = str(error)
        except IllegalTransition:
            if not silence:
                raise
        else:
            return Landed()
        settled = await _look(store, task_id, turn)
        if settled is not None:
            return settled
    return Unknown(silence)


async def _look(store: StoreClient, task_id: str, turn: Turn) -> Settled | None:
    """What the task says about the act; None when all is as before."""
    try:
        task = await store.read_task(task_id)
    except Unreachable as error:
        return Unknown(str(error))
    if turn.has_landed(task):
        return Landed()
    return None if turn.may_begin(task) else Lost(f"task {task_id} is {task.state}")
