"""Tasks of a peer with their names, by priority; and claims, which nobody there renews."""

from store_client.errors import NotClaimed, Refused, Unauthorized, Unreachable
from store_client.peers import variants
from store_client.peers.copy import Copy, Registry
from store_client.peers.kept import KeptTask
from store_client.peers.peer import Cut, Key, Peer, found, page
from store_client.wire.calls import tasks as calls
from store_client.wire.tasks import Claim, ReclaimTask, Task, TaskDetail, TaskPage, TaskState


async def list_page(peer: Peer) -> TaskPage:
    """By priority, then in the order in which they came."""
    query = peer.query
    assert isinstance(query, calls.TaskPageQuery)  # noqa: S101 - the table of calls says so
    copy, registry = await peer.copy(), await _registry(peer)
    holder = peer.caller if query.claimed_by == "me" else query.claimed_by
    wanted = {"kind": query.kind, "state": query.state, "claimed_by": holder}
    asked = {name: value for name, value in wanted.items() if value is not None}
    chosen = [
        task
        for task in copy.tasks.values()
        if all(getattr(task, name) == asked[name] for name in asked)
        and all(word in _title(copy, task).lower() for word in query.words)
        and _is_wanted(peer, registry, task.record, query)
    ]
    sign = 1 if query.is_rising else -1

    def order(task: KeptTask) -> Key:
        """What nothing is known of comes last either way."""
        if query.is_by_age:
            return (sign * task.number,)
        return (_is_blank(copy, task), sign * _priority(copy, task), task.number)

    items, following = page(copy.tasks, chosen, order, Cut(query.after, query.limit))
    return TaskPage(
        items=tuple(_detail(peer, copy, registry, task) for task in items),
        next=following,
        total=len(chosen) if holder is None and not query.is_picky else None,
    )


async def _registry(peer: Peer) -> Registry | None:
    """Workers and groups; None when the server does not tell them now, which must hide no work."""
    try:
        return await peer.registry()
    except Unauthorized:
        raise
    except (Refused, Unreachable):
        return None


def _is_wanted(peer: Peer, registry: Registry | None, task: Task, query: calls.TaskPageQuery) -> bool:
    by = peer.caller if query.submitted_by == "me" else query.submitted_by
    is_of_then = (query.since or "") <= task.created_at and (query.until is None or task.created_at <= query.until)
    if not is_of_then or by not in {None, task.submitted_by}:
        return False
    is_targeted = task.target is not None
    if query.target is not None and is_targeted != (query.target == "targeted"):
        return False
    return not query.eligible or _is_eligible(peer, registry, task) is not False


def _is_eligible(peer: Peer, registry: Registry | None, task: Task) -> bool | None:
    """Whether the caller may claim it; None when nobody says who is in which group."""
    if peer.caller == "admin" or task.target is None or task.target.id == peer.caller:
        return peer.caller != "admin"
    if registry is None:
        return None if task.target.kind == "group" else False
    return task.target.id in registry.groups_of(peer.caller)


def _is_blank(copy: Copy, task: KeptTask) -> bool:
    """Whether what it is about cannot be read."""
    about = copy.ideas if task.kind == "execution" else copy.variants
    return task.kind != "ideation" and (task.subject_id or "") not in about


async def read(peer: Peer) -> TaskDetail:
    copy, registry = await peer.copy(), await _registry(peer)
    return _detail(peer, copy, registry, found(copy.tasks, peer.places["task_id"]))


async def renew(peer: Peer) -> Claim:
    """The caller's claim as it stands; NotClaimed when it is gone."""
    task: Task = await peer.send(calls.READ_TASK, task_id=peer.places["task_id"])
    if task.state is not TaskState.CLAIMED or task.claim is None or task.claim.worker_id != peer.caller:
        raise NotClaimed(f"task {task.task_id} is no longer held by {peer.caller}")
    return task.claim


async def release(peer: Peer) -> Task:
    """Give the caller's own claim back: there, an operator takes it."""
    await renew(peer)
    task_id = peer.places["task_id"]
    await peer.send(calls.RECLAIM_TASK, ReclaimTask(cause="operator"), task_id=task_id)
    task: Task = await peer.send(calls.READ_TASK, task_id=task_id)
    return task


def _detail(peer: Peer, copy: Copy, registry: Registry | None, kept: KeptTask) -> TaskDetail:
    task, known = kept.record, registry or Registry()
    target, idea = task.target, copy.ideas.get(_idea_id(copy, kept) or "")
    author_id = idea.record.created_by if idea else None
    return TaskDetail(
        **task.model_dump(),
        title=_title(copy, kept),
        subject_id=kept.subject_id,
        priority=_priority(copy, kept),
        claimant_name=known.name(kept.claimed_by),
        target_name=known.name(target.id) if target else None,
        is_eligible=_is_eligible(peer, registry, task),
        author_id=author_id,
        author_name=known.name(author_id),
        parent_commits=_parent_commits(copy, kept),
    )


def _idea_id(copy: Copy, task: KeptTask) -> str | None:
    variant = copy.variants.get(task.subject_id or "")
    return task.subject_id if task.kind == "execution" else variant.idea_id if variant else None


def _priority(copy: Copy, task: KeptTask) -> float:
    idea = copy.ideas.get(_idea_id(copy, task) or "")
    return idea.priority if idea else 0.0


def _title(copy: Copy, task: KeptTask) -> str:
    if task.kind == "ideation":
        return "new ideas"
    variant, idea = copy.variants.get(task.subject_id or ""), copy.ideas.get(task.subject_id or "")
    return variants.label(copy, variant) if variant else idea.slug if idea else str(task.subject_id)


def _parent_commits(copy: Copy, task: KeptTask) -> tuple[str, ...]:
    if task.kind == "ideation":
        return (copy.base_commit_sha,) if copy.base_commit_sha else ()
    about = copy.ideas.get(task.subject_id or "") or copy.variants.get(task.subject_id or "")
    return about.record.parent_commits if about else ()
