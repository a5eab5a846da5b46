"""One experiment written into an archive: rows of one moment, then the repository, which only grows, then the files."""

import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.checkpoints.archive import NOTE
from control_plane.task_store.checkpoints.ports import Bundles
from control_plane.task_store.checkpoints.snapshot import Snapshot, to_line
from store_client.errors import NotFound
from store_client.wire.checkpoints import (
    FORMAT_VERSIONS,
    SPEC_VERSION,
    CheckpointCounts,
    CheckpointPaths,
    Exporter,
    Manifest,
)

IMPLEMENTATION = "switchyard"
ATOMICITY = "serialisable snapshot: one read transaction over all rows, the repository after it"
KEPT = (
    "slug", "status", "dispatch_mode", "automation", "kind", "description", "hypothesis", "tags", "ended_at",
    "end_reason",
)  # fmt: skip
NOTED = ("artifact_id", "filename", "content_type", "created_by", "created_at")
MAX_NOTED = 500
"""The artifacts of one content that an archive tells apart."""
FILES = CheckpointPaths()


@dataclass(frozen=True)
class Dump:
    """Writes archives, on whatever thread it is called."""

    house: House
    files: ArtifactFiles
    bundles: Bundles
    spool: Path

    def write(self, experiment_id: str, file: IO[bytes]) -> Manifest:
        """Write the archive into a file; NotFound when there is no such experiment."""
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            writing = _Writing(tar, experiment_id, self.spool)
            manifest, contents = self.house.read_now(lambda tx: self._rows(tx.at(experiment_id), writing))
            writing.add(FILES.repo_bundle, lambda part: self.bundles.write(experiment_id, part))
            for sha256, note in contents:
                self._content(writing, sha256, note)
            writing.add("manifest.json", _text(json.dumps(manifest.to_wire(), indent=1, ensure_ascii=False) + "\n"))
        return manifest

    def _rows(self, tx: Tx, writing: "_Writing") -> tuple[Manifest, list[tuple[str, str]]]:
        row = tx.experiment
        snapshot = Snapshot(tx, lambda sha256: self.files.path(sha256).is_file())
        config = row["config_text"] or yaml.safe_dump(dict(row["config"]), sort_keys=False, allow_unicode=True)
        writing.add(FILES.experiment_config, _text(config))
        writing.add(FILES.experiment, _text(json.dumps(snapshot.experiment(), ensure_ascii=False) + "\n"))
        lines = snapshot.lines().items()
        counts = {name: writing.add_lines(getattr(FILES, name), read()) for name, read in lines}
        contents = [(sha256, _note(rows)) for sha256, rows in snapshot.artifacts()]
        kept = {name: row[name] for name in KEPT if row[name] is not None}
        return _manifest(tx, counts, kept), contents

    def _content(self, writing: "_Writing", sha256: str, note: str) -> None:
        """The bytes of an artifact; where the disk has lost them, there is nothing to write."""
        try:
            content = self.files.open_whole(sha256)
        except NotFound:
            return
        with content:
            writing.put(f"{FILES.artifacts_dir}/{sha256}", content, {NOTE: note})


@dataclass(frozen=True)
class _Writing:
    """An archive while it is written."""

    tar: tarfile.TarFile
    top: str
    spool: Path

    def add(self, path: str, fill: Callable[[IO[bytes]], Any]) -> Any:
        """One file, written aside first because its size comes before it; what filling it gave."""
        with tempfile.TemporaryFile(dir=self.spool) as part:
            filled = fill(part)
            part.seek(0)
            self.put(path, part, {})
        return filled

    def add_lines(self, path: str, values: Iterable[dict[str, Any]]) -> int:
        """One line an object; how many there were."""

        def fill(part: IO[bytes]) -> int:
            number = 0
            for value in values:
                part.write(to_line(value))
                number += 1
            return number

        return int(self.add(path, fill))

    def put(self, path: str, content: IO[bytes], headers: dict[str, str]) -> None:
        info = tarfile.TarInfo(f"{self.top}/{path}")
        info.size = content.seek(0, 2)
        info.mode, info.pax_headers = 0o644, headers
        content.seek(0)
        self.tar.addfile(info, content)
        self.tar.members.clear()  # type: ignore[attr-defined] # it remembers every file otherwise


def _text(text: str) -> Callable[[IO[bytes]], int]:
    return lambda part: part.write(text.encode())


def _note(rows: list[Any]) -> str:
    """What is known of the artifacts that have one content."""
    return json.dumps([{name: row[name] for name in NOTED} for row in rows[:MAX_NOTED]], separators=(",", ":"))


def _manifest(tx: Tx, counts: dict[str, int], kept: dict[str, Any]) -> Manifest:
    return Manifest(
        checkpoint_format_version=FORMAT_VERSIONS[-1],
        spec_version=SPEC_VERSION,
        experiment_id=tx.experiment_id,
        exported_at=tx.now,
        exporter=Exporter(implementation=IMPLEMENTATION, atomicity_mechanism=ATOMICITY, experiment=kept),
        requires_credential_reissue=True,
        counts=CheckpointCounts(**counts),
        files=FILES,
    )
