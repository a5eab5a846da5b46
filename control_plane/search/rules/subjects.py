"""Which things events tell of that can be found."""

from collections.abc import Iterable, Mapping
from typing import Any

IDS = {"idea": "idea_id", "variant": "variant_id", "job": "job_id", "worker": "worker_id"}
ACTS = frozenset(
    {
        "idea.drafted",
        *(f"variant.{act}" for act in ("started", "succeeded", "errored", "evaluation_errored", "integrated")),
        *(f"worker.{act}" for act in ("registered", "enabled")),
        "job.queued",
    }
)
"""The events after which something says other things of itself than before."""


def of(told: Iterable[tuple[str, str, Mapping[str, Any]]]) -> dict[tuple[str, str], set[str]]:
    """The ids that events (scope, type and data) tell of, by experiment and kind."""
    found: dict[tuple[str, str], set[str]] = {}
    for scope, type_, data in told:
        kind = type_.partition(".")[0]
        if not scope:
            continue
        if kind == "experiment":
            found.setdefault((scope, kind), set()).add(scope)
        elif type_ in ACTS and isinstance(id_ := data.get(IDS[kind]), str):
            found.setdefault((scope, kind), set()).add(id_)
    return found
