"""The new credentials of an imported experiment's workers, in a file that only the server's owner reads."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from control_plane.task_store.artifact_files import sync
from control_plane.task_store.checkpoints.landing import Credential


def write(folder: Path, experiment_id: str, credentials: Iterable[Credential]) -> Path:
    """Write them durably, before they are worth anything."""
    path = _path(folder, experiment_id)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        held = {each.worker_id: each.secret for each in credentials}
        json.dump({"experiment_id": experiment_id, "registration_tokens": held}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync(folder)
    return path


def remove(folder: Path, experiment_id: str) -> None:
    _path(folder, experiment_id).unlink(missing_ok=True)


def _path(folder: Path, experiment_id: str) -> Path:
    return folder / f"credentials-{experiment_id}.json"
