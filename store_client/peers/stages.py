"""What waits at each stage of a peer's experiment; who was heard of lately no call of the protocol tells."""

from store_client.peers.copy import Copy
from store_client.peers.peer import Peer
from store_client.wire.stages import Stages, StageWork
from store_client.wire.tasks import KINDS, TaskKind, TaskState
from store_client.wire.variants import VariantStatus

AT_WORK = (TaskState.CLAIMED, TaskState.SUBMITTED)


async def read(peer: Peer) -> Stages:
    copy = await peer.copy()
    return Stages(stages=(*(_of_tasks(copy, kind) for kind in KINDS), _integration(copy)))


def _of_tasks(copy: Copy, kind: TaskKind) -> StageWork:
    mine = [task for task in copy.tasks.values() if task.kind == kind]
    waiting = [task for task in mine if task.state is TaskState.PENDING]
    oldest = min(waiting, key=lambda task: task.number, default=None)
    return StageWork(
        kind=kind,
        waiting=len(waiting),
        active=sum(task.state in AT_WORK for task in mine),
        oldest_waiting_at=oldest.record.updated_at if oldest else None,
    )


def _integration(copy: Copy) -> StageWork:
    waiting = [
        variant
        for variant in copy.variants.values()
        if variant.status is VariantStatus.SUCCESS and not variant.is_integrated and not variant.is_baseline
    ]
    oldest = min(waiting, key=lambda variant: variant.number, default=None)
    return StageWork(
        kind="integration",
        waiting=len(waiting),
        oldest_waiting_at=oldest.record.completed_at if oldest else None,
    )
