"""Checkpoints in words: when they are written, and what is in one that was handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from store_client import CheckpointFile, CheckpointReport, ExperimentDetail, parse_time
from web_ui.filters import Moment, duration, plural

DEFAULTS: Mapping[str, Any] = {
    "enabled": False, "interval_seconds": 3600, "retention_count": 6, "on_terminate": True,
}  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """When the server writes one by itself; `next_at` is None where that cannot be said."""

    is_on: bool
    words: str
    next_at: Moment | None = None


@dataclass(frozen=True)
class Report:
    """What was found in an archive; `landed_href` leads to the experiment that it became."""

    title: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    landed_href: str | None = None


def schedule(detail: ExperimentDetail, kept: Sequence[CheckpointFile]) -> Schedule:
    """What the config says, and when the next is due."""
    given = detail.config.get("auto_checkpoint")
    wish = {**DEFAULTS, **(given if isinstance(given, dict) else {})}
    if not wish["enabled"]:
        return Schedule(False, "The server writes none by itself: auto_checkpoint is not enabled in the config.")
    every, count = duration(float(wish["interval_seconds"])), plural(int(wish["retention_count"]), "archive")
    at_end = " and one for good when the experiment ends" if wish["on_terminate"] else ""
    if detail.status.is_final:
        return Schedule(True, f"The experiment has ended. While it ran, one was written every {every}{at_end}.")
    told = f"One is written every {every}, the newest {count} are kept{at_end}."
    newest = max((parse_time(one.created_at) for one in kept), default=None)
    due = newest + timedelta(seconds=float(wish["interval_seconds"])) if newest is not None else None
    return Schedule(True, told, due)


def report(found: CheckpointReport) -> Report:
    """What an archive holds."""
    manifest, counts = found.manifest, found.manifest.counts
    rows = (
        ("Experiment", found.name or manifest.experiment_id),
        ("Its id there", manifest.experiment_id),
        ("Written", manifest.exported_at),
        ("Format", f"{manifest.checkpoint_format_version}, protocol {manifest.spec_version}"),
        ("Ideas", f"{counts.ideas:,}"),
        ("Variants", f"{counts.variants:,}"),
        ("Tasks", f"{counts.tasks:,}"),
        ("Events", f"{counts.events:,}"),
        ("Workers and groups", f"{counts.workers:,} and {counts.groups:,}"),
        ("Repository", "in it" if found.has_repository else "not in it"),
    )
    needs = ("Its workers get new credentials: those of the other server do not work here.",)
    warnings = (*(needs if manifest.requires_credential_reissue else ()), *found.warnings)
    return Report("This archive can be imported", rows, warnings)
