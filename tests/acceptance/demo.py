"""What a newcomer sees within minutes of `make run`, untouched: both examples scored, evolving, better than before."""

import time
from collections.abc import Mapping

from store_client import ExperimentSummary
from tests.acceptance.deployment import Deployment

EXAMPLES = ("digits", "packing")
SIGHT_SECONDS = 180.0
EVALUATED = 5


def summaries(deployment: Deployment) -> Mapping[str, ExperimentSummary]:
    return {one.slug: one for one in deployment.client.list_experiment_summaries()}


def is_alive(summary: ExperimentSummary) -> bool:
    """A scored baseline, five evaluated variants (the baseline not counted) and one integrated commit."""
    counts = summary.counts
    return summary.baseline is not None and counts.evaluated > EVALUATED and counts.integrated >= 1


def gain(summary: ExperimentSummary) -> float:
    """By how much the best is better than the baseline, in the objective's own direction."""
    if summary.best is None or summary.baseline is None:
        return 0.0
    sign = -1 if summary.objective.direction == "minimize" else 1
    return sign * (summary.best - summary.baseline)


def seconds_to_life(deployment: Deployment, began: float) -> dict[str, float]:
    """When each example was alive, counted from `began` (of time.monotonic)."""
    seen: dict[str, float] = {}

    def look() -> bool:
        for slug, summary in summaries(deployment).items():
            if is_alive(summary):
                seen.setdefault(slug, time.monotonic() - began)
        return seen.keys() >= set(EXAMPLES)

    deployment.until(look, "both examples are scored, evolve and are integrated", SIGHT_SECONDS)
    return seen
