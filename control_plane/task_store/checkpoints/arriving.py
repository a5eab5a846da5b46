"""What an archive says of its experiment as a whole: its state, how it ended, and what is worth a warning."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from control_plane.db.log import PROTOCOL_TYPES
from control_plane.db.staging import Staging
from control_plane.task_store.checkpoints import crossing
from store_client.wire.checkpoints import Manifest
from store_client.wire.experiments import ChangeExperiment, DispatchMode, Experiment, Status

TEXTS = ("kind", "description", "hypothesis")
LAST = "SELECT occurred_at, data FROM events WHERE type = ? ORDER BY n DESC LIMIT 1"


def columns(manifest: Manifest, runtime: Experiment, stage: Staging) -> dict[str, Any]:
    """The columns of the experiment's row that the archive decides."""
    kept = _kept(manifest)
    ending = stage.first(LAST, ("experiment.terminated",)) if runtime.state == "terminated" else None
    origin = {
        "checkpoint_exported_at": manifest.exported_at,
        "checkpoint_format_version": manifest.checkpoint_format_version,
        "source_experiment_id": manifest.experiment_id,
    }
    return {
        **{name: kept.get(name) if isinstance(kept.get(name), str) else None for name in TEXTS},
        "tags": _tags(kept.get("tags")),
        "name": runtime.name,
        "created_at": runtime.created_at,
        "base_commit_sha": runtime.base_commit_sha,
        "imported_from": origin,
        "status": _status(runtime, kept.get("status")),
        "slug": kept.get("slug"),
        "automation": kept.get("automation"),
        "dispatch_mode": _dispatch_mode(stage, kept.get("dispatch_mode")),
        "ended_at": ending[0] if ending else manifest.exported_at if runtime.state == "terminated" else None,
        "end_reason": str(json.loads(ending[1]).get("reason", "")) if ending else None,
    }


def warn(manifest: Manifest, counts: Mapping[str, int], stage: Staging, lacking: Sequence[str]) -> Iterator[str]:
    """What the importer should know, though none of it is a fault."""
    if lacking:
        yield f"not resumable as it is: the archive came without its {' and '.join(lacking)}; nothing is dispatched"
    said = manifest.counts.model_dump()
    wrong = [name for name, number in counts.items() if said[name] != number]
    if wrong:
        yield f"the manifest counts other numbers of {', '.join(wrong)} than there are lines; the lines count"
    left = crossing.drop_leftovers(stage)
    if left:
        yield f"{left} submissions belonged to tasks that are open again, and were left out"
    types = ", ".join("?" * len(PROTOCOL_TYPES))
    (foreign,) = stage.first(f"SELECT COUNT(*) FROM events WHERE type NOT IN ({types})", tuple(PROTOCOL_TYPES))  # noqa: S608 - question marks
    if foreign:
        yield f"{foreign} events of types outside the protocol are kept in this deployment's own log alone"


def metrics_of(stage: Staging) -> dict[str, str]:
    """The metrics that variants were measured by, with the types that their values suggest."""
    found: dict[str, str] = {}
    for (text,) in stage.rows("SELECT json_extract(row, '$.evaluation') FROM variants"):
        for name, value in (json.loads(text) if text else {}).items():
            if value is not None and name.isidentifier() and name.isascii():
                found[name] = "text" if isinstance(value, str) or found.get(name) == "text" else "real"
    return found


def _kept(manifest: Manifest) -> Mapping[str, Any]:
    return (manifest.exporter.experiment if manifest.exporter else None) or {}


def _tags(kept: Any) -> str | None:
    """The words that the experiment is found by, where they are such as may be given here."""
    try:
        told = ChangeExperiment(tags=tuple(dict.fromkeys(str(kept or "").split())))
    except ValidationError:
        return None
    return " ".join(told.tags or ()) or None


def _status(runtime: Experiment, kept: Any) -> Status:
    """The exporter's own word where it agrees with the protocol's."""
    known = Status(kept) if kept in list(Status) else None
    if known is not None and known.state == runtime.state:
        return known
    return Status.COMPLETED if runtime.state == "terminated" else Status.RUNNING


def _dispatch_mode(stage: Staging, kept: Any) -> dict[str, Any] | None:
    """The dispatch mode at the time of the export: the exporter's word, else the log's last."""
    last = stage.first(LAST, ("experiment.dispatch_mode_changed",))
    told = json.loads(last[1]).get("dispatch_mode") if last else None
    for wanted in (kept, told):
        try:
            if isinstance(wanted, dict):
                return DispatchMode.model_validate(wanted).to_wire()
        except ValidationError:
            continue
    return None
