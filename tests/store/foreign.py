"""Archives as another server might write them, line by line."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from store_client.errors import CheckpointInvalid
from tests.store.task_house import BASE
from tests.store.vault import COUNTED, Parts, Vault, with_rows

SOURCE, LANDING = "exp_" + "0" * 25 + "9", "exp_" + "0" * 25 + "8"
WORKER, GROUP = "wkr_" + "0" * 25 + "7", "grp_" + "0" * 25 + "7"
AT = "2025-05-05T05:05:05Z"
Change = Callable[[dict[str, Any]], object]


def foreign(**rows: list[dict[str, Any]]) -> Parts:
    """An archive of another server's make: no config, no repository, no artifacts, and more fields than we know."""
    held: dict[str, list[dict[str, Any]]] = {name: rows.get(name, []) for name in COUNTED}
    manifest = {
        "checkpoint_format_version": "1",
        "spec_version": "v0",
        "experiment_id": SOURCE,
        "exported_at": "2025-06-01T00:00:00Z",
        "requires_credential_reissue": False,
        "counts": {name: len(lines) for name, lines in held.items()},
        "files": {
            **{name: f"{name}.jsonl" for name in COUNTED},
            "experiment_config": "experiment-config.yaml",
            "experiment": "experiment.json",
            "repo_bundle": "repo.bundle",
            "artifacts_dir": "artifacts/sha256",
        },
        "future": True,
    }
    experiment = {"experiment_id": SOURCE, "state": "running", "created_at": AT, "imported_from": None, "future": 1}
    parts = {"manifest.json": json.dumps(manifest).encode(), "experiment.json": json.dumps(experiment).encode()}
    parts |= {"experiment-config.yaml": b"", "repo.bundle": b""}
    for name, lines in held.items():
        parts = with_rows(parts, name, lines)
    return parts


def idea(**changes: Any) -> dict[str, Any]:
    row = {"idea_id": "i", "experiment_id": SOURCE, "slug": "i", "priority": 1, "parent_commits": [BASE]}
    return {**row, "artifacts_uri": "https://example.org/i", "state": "ready", "created_at": AT, **changes}


def task(task_id: str = "t", **changes: Any) -> dict[str, Any]:
    row = {"task_id": task_id, "kind": "ideation", "state": "pending", "payload": {"experiment_id": SOURCE, "hint": 1}}
    return {**row, "created_at": AT, "updated_at": AT, "future": {"x": None}, **changes}


def variant(**changes: Any) -> dict[str, Any]:
    row = {"variant_id": "v", "experiment_id": SOURCE, "idea_id": "i", "status": "starting"}
    return {**row, "parent_commits": [BASE], "started_at": AT, **changes}


def event(number: int, type_: str = "task.created", **data: Any) -> dict[str, Any]:
    return {"event_id": f"e{number}", "type": type_, "occurred_at": AT, "experiment_id": SOURCE, "data": data}


def refusal(here: Vault, archive: bytes) -> str:
    """What a refused import says; it leaves neither rows nor files."""
    before = here.everything()
    with pytest.raises(CheckpointInvalid) as refused:
        here.load(archive)
    assert here.everything() == before
    return refused.value.detail
