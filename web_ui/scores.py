"""Scores of variants in words: what is measured, how far from the baseline, and where a parent came from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from store_client import ExperimentSummary, ParentVariant, StoreClient, VariantDetail
from web_ui.filters import short_commit

PARENTS_LOOKED_AT = 100
UNTOLD = "not told by this server"
Metric = float | str | None


@dataclass(frozen=True)
class ParentLink:
    """A commit that something builds on: a variant with its score, or the base commit."""

    label: str
    commit_sha: str
    href: str | None
    value: float | None


def objective_name(experiment: ExperimentSummary) -> str:
    """What the experiment scores by: its one metric, else its whole expression; empty where nobody has told."""
    return "" if is_untold(experiment) else experiment.metric or experiment.objective.expr


def is_untold(experiment: ExperimentSummary) -> bool:
    """Whether the objective is not known: no call of the protocol tells it, and no config was given."""
    return experiment.objective.expr == UNTOLD


def measured(schema: Mapping[str, str], evaluations: Iterable[Mapping[str, Any] | None]) -> Mapping[str, str]:
    """The metrics of an experiment; where its schema is not known, those that were measured."""
    return schema or {name: "any" for evaluation in evaluations for name in evaluation or {}}


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def metric(value: Any) -> Metric:
    """A metric as it was measured; whole numbers stay whole."""
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def side_metrics(experiment: ExperimentSummary, schema: Mapping[str, str]) -> tuple[str, ...]:
    """The metrics beside the one that is the objective."""
    return tuple(name for name in schema if name != experiment.metric)


def over_baseline(experiment: ExperimentSummary, value: float | None) -> float | None:
    """How far a score is from the baseline's."""
    return None if value is None or experiment.baseline is None else value - experiment.baseline


def parent_links(parents: Iterable[ParentVariant], variant_url: Callable[[str], str]) -> tuple[ParentLink, ...]:
    """Parents as pages link to them."""
    return tuple(
        ParentLink(
            parent.label,
            parent.commit_sha,
            variant_url(parent.variant_id) if parent.variant_id else None,
            None if parent.objective_value is None else float(parent.objective_value),
        )
        for parent in parents
    )


def commit_of(variant: VariantDetail) -> str | None:
    """The commit to build on: the canonical one, else the worker's."""
    return variant.variant_commit_sha or variant.commit_sha


async def name_parents(
    store: StoreClient, commits: Iterable[str], base: str | None, variant_url: Callable[[str], str]
) -> tuple[ParentLink, ...]:
    """What commits are: found among the best variants, which is where parents come from."""
    page = await store.list_variant_page(order="best", limit=PARENTS_LOOKED_AT)
    known = {sha: one for one in page.items for sha in (one.commit_sha, one.variant_commit_sha) if sha}

    def link(sha: str) -> ParentLink:
        variant = known.get(sha)
        if variant is None:
            return ParentLink("base commit" if sha == base else short_commit(sha), sha, None, None)
        value = None if variant.objective_value is None else float(variant.objective_value)
        return ParentLink(variant.label, sha, variant_url(variant.variant_id), value)

    return tuple(link(sha) for sha in commits)
