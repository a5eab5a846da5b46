"""Variants as rows of the leaderboard: a cell for each metric, the distance to the baseline and to the parent."""

from collections.abc import Sequence
from dataclasses import dataclass

from store_client import ExperimentDetail, VariantDetail
from web_ui.active import Here
from web_ui.filters import Moment
from web_ui.scores import Metric, metric, number, over_baseline


@dataclass(frozen=True)
class VariantRow:
    """One variant in the table; `metrics` follow the page's, `over_parent` is the distance to its best parent."""

    variant_id: str
    number: int
    name: str
    href: str
    status: str
    is_baseline: bool
    is_best: bool
    is_integrated: bool
    value: float | None
    delta: float | None
    over_parent: float | None
    parent: str
    parent_href: str | None
    metrics: tuple[Metric, ...]
    by: str
    change: str
    moment: Moment


def row(here: Here, detail: ExperimentDetail, metrics: Sequence[str], one: VariantDetail) -> VariantRow:
    """A variant as the table shows it."""
    value = number(one.objective_value)
    parent, parent_id, score = best_parent(detail, one)
    return VariantRow(
        variant_id=one.variant_id,
        number=one.number,
        name=one.label,
        href=here.url("variant", variant=one.variant_id),
        status=one.status.value,
        is_baseline=one.kind == "baseline",
        is_best=one.is_best,
        is_integrated=one.variant_commit_sha is not None,
        value=value,
        delta=over_baseline(detail, value),
        over_parent=None if value is None or score is None else value - score,
        parent=parent,
        parent_href=here.url("variant", variant=parent_id) if parent_id else None,
        metrics=tuple(metric((one.evaluation or {}).get(name)) for name in metrics),
        by=one.executor_name or "",
        change=one.description or "",
        moment=one.completed_at or one.started_at,
    )


def best_parent(detail: ExperimentDetail, one: VariantDetail) -> tuple[str, str | None, float | None]:
    """The label, id and score of the parent that scored best; a baseline is not compared with what it is."""
    sign = 1 if detail.objective.direction == "maximize" else -1
    scored = [
        (sign * float(each.objective_value), each)
        for each in one.parents
        if each.objective_value is not None and each.variant_id != one.variant_id
    ]
    if not scored:
        return "", None, None
    value, parent = max(scored, key=lambda pair: pair[0])
    return parent.label, parent.variant_id, sign * value
