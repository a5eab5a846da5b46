"""The best variant so far, what changed in it, and the ones that were the best before it."""

import asyncio

from store_client import Course, ParentVariant, VariantDetail, VariantPage
from web_ui.active import Here
from web_ui.diffs import summary
from web_ui.filters import with_query
from web_ui.pages.overview import Best, Improved
from web_ui.prose import gist
from web_ui.standing import idea_text

IMPROVEMENTS = 4
EXCERPT = 280


async def best_of(here: Here, leaders: VariantPage) -> Best | None:
    """The first of the leaders; none while nothing is scored, or while only the baseline is."""
    first = next((one for one in leaders.items if one.objective_value is not None), None)
    if first is None or first.kind is not None:
        return None
    parent = max(first.parents, key=lambda one: one.objective_value is not None, default=None)
    idea, size = await asyncio.gather(_excerpt(here, first), _size_of_change(here, first, parent))
    value, baseline = float(first.objective_value or 0.0), here.experiment.baseline
    return Best(
        name=first.label,
        href=here.url("variant", variant=first.variant_id),
        diff_href=_diff_href(here, first, parent),
        size=size,
        value=value,
        delta=None if baseline is None else value - baseline,
        parent=parent.label if parent else "",
        parent_href=_parent_href(here, parent),
        over_parent=_over(value, parent),
        change=first.description or "",
        idea=idea,
        idea_href=here.url("idea", idea=first.idea_id) if first.idea_id else None,
        by=first.executor_name or "",
        moment=first.completed_at or first.started_at,
    )


def improved(here: Here, course: Course) -> tuple[Improved, ...]:
    """The variants that were the best in turn, the newest first."""
    return tuple(
        Improved(
            one.label,
            here.url("variant", variant=one.variant_id),
            float(one.value),
            None if one.before is None else float(one.value) - float(one.before),
            one.at,
        )
        for one in course.improvements[:IMPROVEMENTS]
    )


def _parent_href(here: Here, parent: ParentVariant | None) -> str | None:
    return here.url("variant", variant=parent.variant_id) if parent and parent.variant_id else None


def _over(value: float, parent: ParentVariant | None) -> float | None:
    return None if parent is None or parent.objective_value is None else value - float(parent.objective_value)


async def _excerpt(here: Here, variant: VariantDetail) -> str:
    """The beginning of the text of its idea; nothing while that cannot be read."""
    if (idea_id := variant.idea_id) is None:
        return ""

    async def read() -> str | None:
        idea = await here.store.read_idea_detail(idea_id)
        text, fault = await idea_text(here, idea.artifacts_uri)
        return None if fault else gist(text, EXCERPT)

    return await here.visit.console.gists.of((here.experiment_id, idea_id), read) or ""


async def _size_of_change(here: Here, variant: VariantDetail, parent: ParentVariant | None) -> str:
    """How much it changed of its parent: 2 files, +12 -3; nothing while that is not known."""
    if here.clone is None or parent is None or variant.commit_sha is None:
        return ""
    found = await here.clone.changed(parent.commit_sha, variant.commit_sha)
    return summary(found) if found is not None else ""


def _diff_href(here: Here, variant: VariantDetail, parent: ParentVariant | None) -> str | None:
    if here.clone is None or parent is None or variant.commit_sha is None:
        return None
    return with_query(here.url("diff", variant=variant.variant_id), against=parent.commit_sha)
