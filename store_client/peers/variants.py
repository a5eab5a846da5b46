"""Variants of a peer with their labels, their place among the others, and the progress they make."""

from store_client.peers.copy import Copy, Registry
from store_client.peers.kept import KeptVariant
from store_client.peers.peer import Cut, Key, Peer, found, page
from store_client.wire.calls.variants import VariantPageQuery
from store_client.wire.experiments import ProgressPoint
from store_client.wire.variants import ParentVariant, VariantDetail, VariantPage


async def list_page(peer: Peer) -> VariantPage:
    """Newest first, or best first; those without a value come last, newest first."""
    query = peer.query
    assert isinstance(query, VariantPageQuery)  # noqa: S101 - the table of calls says so
    copy, registry = await peer.copy(), await peer.registry()
    chosen = [
        variant
        for variant in copy.variants.values()
        if query.status in {None, variant.status} and _begins(copy, variant, query.begins)
        if query.wanted_ids is None or variant.id in query.wanted_ids
    ]
    sign = 1 if is_minimised(copy) else -1

    def by_value(variant: KeptVariant) -> Key:
        return (1, -variant.number, 0) if variant.value is None else (0, sign * variant.value, variant.number)

    order = by_value if query.order == "best" else _newest
    items, following = page(copy.variants, chosen, order, Cut(query.after, query.limit))
    return VariantPage(items=tuple(detail(copy, registry, item) for item in items), next=following, total=len(chosen))


def _begins(copy: Copy, variant: KeptVariant, text: str | None) -> bool:
    """Whether its idea's slug or a commit of it begins so."""
    if text is None:
        return True
    idea, one = copy.ideas.get(variant.idea_id or ""), variant.record
    named = (idea.slug if idea else one.kind, one.commit_sha, one.variant_commit_sha)
    return any(name is not None and name.startswith(text.lower()) for name in named)


async def read(peer: Peer) -> VariantDetail:
    copy, registry = await peer.copy(), await peer.registry()
    return detail(copy, registry, found(copy.variants, peer.places["variant_id"]))


async def progress(peer: Peer) -> tuple[ProgressPoint, ...]:
    """Every variant in the order in which they began."""
    copy = await peer.copy()
    return tuple(_point(copy, variant) for variant in sorted(copy.variants.values(), key=lambda each: each.number))


def label(copy: Copy, variant: KeptVariant) -> str:
    """What a variant is called: baseline, or the slug of its idea."""
    idea = copy.ideas.get(variant.idea_id or "")
    return "baseline" if variant.is_baseline else idea.slug if idea else variant.id


def is_minimised(copy: Copy) -> bool:
    return (copy.config.get("objective") or {}).get("direction") == "minimize"


def best(copy: Copy) -> KeptVariant | None:
    """The variant that first had the best value."""
    sign = 1 if is_minimised(copy) else -1
    scored = [variant for variant in copy.variants.values() if variant.value is not None]
    return min(scored, key=lambda each: (sign * (each.value or 0), copy.successes.get(each.id, 0)), default=None)


def _newest(variant: KeptVariant) -> Key:
    return (-variant.number,)


def detail(copy: Copy, registry: Registry, kept: KeptVariant) -> VariantDetail:
    """A variant with its names, its place among the others and its parents."""
    variant, first = kept.record, best(copy)
    return VariantDetail(
        **variant.model_dump(),
        number=kept.number,
        label=label(copy, kept),
        objective_value=kept.value,
        is_best=first is not None and first.id == kept.id,
        executor_name=registry.name(variant.executed_by),
        evaluator_name=registry.name(variant.evaluated_by),
        evaluation_attempts=_attempts(copy, kept),
        parents=tuple(_parent(copy, commit) for commit in variant.parent_commits),
    )


def _attempts(copy: Copy, variant: KeptVariant) -> int:
    """How many evaluation tasks of it have ended."""
    about = (task for task in copy.tasks.values() if task.subject_id == variant.id)
    return sum(not task.state.is_live for task in about)


def _parent(copy: Copy, commit: str) -> ParentVariant:
    for variant in copy.variants.values():
        if commit in variant.commits:
            name = label(copy, variant)
            return ParentVariant(commit_sha=commit, variant_id=variant.id, label=name, objective_value=variant.value)
    return ParentVariant(commit_sha=commit, label="base commit" if commit == copy.base_commit_sha else commit[:10])


def _point(copy: Copy, kept: KeptVariant) -> ProgressPoint:
    variant = kept.record
    return ProgressPoint(
        variant_id=kept.id,
        label=label(copy, kept),
        status=kept.status.value,
        number=kept.number,
        objective_value=kept.value,
        metrics=variant.evaluation or {},
        is_baseline=kept.is_baseline,
        at=variant.completed_at or variant.started_at,
    )
