"""Ideas of a peer with their author and what came of them."""

from collections.abc import Iterable

from store_client.peers.copy import Copy, Registry
from store_client.peers.kept import KeptIdea
from store_client.peers.peer import Cut, Key, Peer, found, page
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.ideas import IdeaDetail, IdeaPage


async def list_page(peer: Peer) -> IdeaPage:
    """Newest first."""
    query = peer.query
    assert isinstance(query, IdeaPageQuery)  # noqa: S101 - the table of calls says so
    copy, registry = await peer.copy(), await peer.registry()
    names, author = query.names, peer.caller if query.created_by == "me" else query.created_by
    chosen = [
        idea
        for idea in copy.ideas.values()
        if query.state in {None, idea.state}
        and (names is None or idea.record.slug in names)
        and author in {None, idea.record.created_by}
    ]
    items, following = page(copy.ideas, chosen, _newest, Cut(query.after, query.limit))
    return IdeaPage(items=tuple(_details(copy, registry, items)), next=following, total=None if names else len(chosen))


async def read(peer: Peer) -> IdeaDetail:
    copy, registry = await peer.copy(), await peer.registry()
    return _details(copy, registry, [found(copy.ideas, peer.places["idea_id"])])[0]


def _newest(idea: KeptIdea) -> Key:
    return (-idea.number,)


def _details(copy: Copy, registry: Registry, ideas: Iterable[KeptIdea]) -> list[IdeaDetail]:
    executions = {task.subject_id: task.id for task in copy.tasks.values() if task.kind == "execution"}
    made: dict[str | None, tuple[str, ...]] = {}
    for variant in sorted(copy.variants.values(), key=lambda each: each.number):
        made[variant.idea_id] = (*made.get(variant.idea_id, ()), variant.id)
    records = [idea.record for idea in ideas]
    return [
        IdeaDetail(
            **record.model_dump(),
            author_name=registry.name(record.created_by),
            execution_task_id=executions.get(record.idea_id),
            variant_ids=made.get(record.idea_id, ()),
        )
        for record in records
    ]
