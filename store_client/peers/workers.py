"""Workers of a peer with what they hold and where they belong."""

from collections import Counter

from store_client.peers.copy import Registry
from store_client.peers.peer import Peer
from store_client.wire.calls.workers import WorkerQuery
from store_client.wire.tasks import TaskState
from store_client.wire.workers import Worker, WorkerDetail, WorkerDetailList


async def list_details(peer: Peer) -> WorkerDetailList:
    """Workers with the groups that name them and their open claims; when they were last seen is not told."""
    query = peer.query
    assert isinstance(query, WorkerQuery)  # noqa: S101 - the table of calls says so
    copy, registry = await peer.copy(), await peer.registry()
    chosen = [each for _, each in sorted(registry.workers.items()) if _is_like(each, query)]
    shown = chosen[: query.limit]
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
                groups_beyond=_beyond(registry, worker) if query.worker_id is not None else (),
                open_claims=held[worker.worker_id],
            )
            for worker in shown
        ),
        next=shown[-1].worker_id if len(shown) < len(chosen) else None,
    )


def _beyond(registry: Registry, worker: Worker) -> tuple[str, ...]:
    """The groups that hold a worker through other groups alone."""
    outer = registry.groups_of(worker.worker_id)
    beyond = (registry.groups[id_] for id_ in outer if worker.worker_id not in registry.groups[id_].members)
    return tuple(sorted(group.name or group.group_id for group in beyond))


def _is_like(worker: Worker, query: WorkerQuery) -> bool:
    words = " ".join((worker.worker_id, worker.name or "", *(worker.labels or {}), *(worker.labels or {}).values()))
    return (
        (query.worker_id is None or worker.worker_id == query.worker_id)
        and (query.after is None or worker.worker_id > query.after)
        and (query.q is None or query.q.lower() in words.lower())
    )
