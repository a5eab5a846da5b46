"""The bytes of artifacts: one file for each content, named by its hash, written aside and moved into place whole."""

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from store_client.errors import NotFound, PayloadTooLarge

MAX_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class ArtifactFiles:
    """The folder of the deployment's artifacts."""

    root: Path
    max_bytes: int = MAX_BYTES

    def incoming(self) -> "Incoming":
        """A new file that is not an artifact yet."""
        aside = self.root / "aside"
        aside.mkdir(parents=True, exist_ok=True)
        return Incoming(self, tempfile.NamedTemporaryFile(dir=aside, delete=False))

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256[2:]

    def existing(self, sha256: str) -> Path:
        """The file of this content; NotFound when the disk has lost it."""
        path = self.path(sha256)
        if not path.is_file():
            raise NotFound("the content of this artifact is gone")
        return path


@dataclass
class Incoming:
    """A file while it arrives."""

    files: ArtifactFiles
    file: "IO[bytes]"
    size_bytes: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> None:
        """Append, up to the cap."""
        self.size_bytes += len(data)
        if self.size_bytes > self.files.max_bytes:
            raise PayloadTooLarge(f"an artifact has at most {self.files.max_bytes} bytes")
        self._hash.update(data)
        self.file.write(data)

    def keep(self) -> str:
        """Make the content durable under its hash, and return the hash."""
        sha256 = self._hash.hexdigest()
        path = self.files.path(sha256)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        Path(self.file.name).replace(path)
        for folder in (path.parent, self.files.root):
            sync(folder)
        return sha256

    def discard(self) -> None:
        """Forget what was not kept."""
        self.file.close()
        Path(self.file.name).unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
