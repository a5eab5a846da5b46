"""The automatic checkpoints on disk: the newest few of each experiment, and for good the ones written at its end."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from control_plane.task_store.artifact_files import sync
from store_client.wire.checkpoints import CheckpointFile
from store_client.wire.scalars import format_time

SUFFIX, FINAL_SUFFIX = ".tar", ".end.tar"
BEGUN, ENDED = ".begun", ".ended"


@dataclass(frozen=True)
class Ring:
    """The folder of the deployment's automatic checkpoints, one folder an experiment."""

    root: Path

    def of(self, experiment_id: str) -> list[CheckpointFile]:
        """The checkpoints of an experiment, the newest first."""
        return [_describe(path) for path in reversed(self._files(experiment_id))]

    def path(self, experiment_id: str, name: str) -> Path | None:
        """A checkpoint by its name."""
        return next((path for path in self._files(experiment_id) if path.name == name), None)

    def begun_at(self, experiment_id: str, now: float) -> float:
        """Since when the experiment's interval runs: its newest checkpoint, else when it was first looked at."""
        folder = self._folder(experiment_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = folder / BEGUN
        if not mark.exists():
            mark.touch()
            os.utime(mark, (now, now))
        return max(path.stat().st_mtime for path in (mark, *self._files(experiment_id)))

    def has_ended(self, experiment_id: str) -> bool:
        """Whether the checkpoint of the experiment's end was written."""
        return (self._folder(experiment_id) / ENDED).exists()

    def keep(self, experiment_id: str, fill: Callable[[IO[bytes]], object], now: float, *, is_final: bool) -> Path:
        """Write a checkpoint durably: it has its name only when it is whole."""
        folder = self._folder(experiment_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path, draft = folder / (moment + (FINAL_SUFFIX if is_final else SUFFIX)), folder / ".draft"
        try:
            with draft.open("w+b") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            os.utime(draft, (now, now))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        if is_final:
            (folder / ENDED).touch()
        sync(folder)
        return path

    def trim(self, experiment_id: str, retention_count: int) -> None:
        """Delete all but the newest; those of the end do not count."""
        ring = [path for path in self._files(experiment_id) if not path.name.endswith(FINAL_SUFFIX)]
        for path in ring[:-retention_count]:
            path.unlink(missing_ok=True)

    def delete(self, experiment_id: str, name: str) -> bool:
        """Delete a checkpoint, if there is one of this name; the interval runs on as if it were still there."""
        path = self.path(experiment_id, name)
        if path is None:
            return False
        mark, written_at = self._folder(experiment_id) / BEGUN, path.stat().st_mtime
        if not mark.exists() or mark.stat().st_mtime < written_at:
            mark.touch()
            os.utime(mark, (written_at, written_at))
        path.unlink(missing_ok=True)
        sync(self._folder(experiment_id))
        return True

    def _files(self, experiment_id: str) -> list[Path]:
        return sorted(self._folder(experiment_id).glob(f"[0-9]*{SUFFIX}"))

    def _folder(self, experiment_id: str) -> Path:
        return self.root / experiment_id


def _describe(path: Path) -> CheckpointFile:
    facts = path.stat()
    return CheckpointFile(
        name=path.name,
        created_at=format_time(datetime.fromtimestamp(facts.st_mtime, UTC)),
        size_bytes=facts.st_size,
        is_final=path.name.endswith(FINAL_SUFFIX),
    )
