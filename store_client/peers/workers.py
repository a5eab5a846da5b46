"""Workers of a peer with what they hold and where they belong."""

from collections import Counter

from store_client.peers.peer import Peer
from store_client.wire.tasks import TaskState
from store_client.wire.workers import WorkerDetail, WorkerDetailList


async def list_details(peer: Peer) -> WorkerDetailList:
    """Workers with the groups that name them and their open claims; when they were last seen is not told."""
    copy, registry = await peer.copy(), await peer.registry()
    held = Counter(task.claimed_by for task in copy.tasks.values() if task.state is TaskState.CLAIMED)
    return WorkerDetailList(
        workers=tuple(
            WorkerDetail(
                **worker.model_dump(),
                groups=tuple(
                    sorted(
                        group.name or id_ for id_, group in registry.groups.items() if worker.worker_id in group.members
                    )
                ),
                open_claims=held[worker.worker_id],
            )
            for worker in registry.workers.values()
        )
    )
