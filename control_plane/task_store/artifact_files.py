"""The bytes of artifacts: one file for each content, named by its hash, written aside and moved into place whole.

A file without a row is garbage once it is old. Whoever moves one into place holds its folder shared and whoever takes
garbage away holds it alone, so that nothing that was just kept is taken for what lay there before.
"""

import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from store_client.errors import NotFound, PayloadTooLarge

MAX_BYTES = 100 * 1024 * 1024
ASIDE = "aside"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArtifactFiles:
    """The folder of the deployment's artifacts."""

    root: Path
    max_bytes: int = MAX_BYTES

    def incoming(self) -> "Incoming":
        """A new file that is not an artifact yet."""
        aside = self.root / ASIDE
        aside.mkdir(parents=True, exist_ok=True)
        return Incoming(self, tempfile.NamedTemporaryFile(dir=aside, delete=False))

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256[2:]

    def existing(self, sha256: str) -> Path:
        """The file of this content; NotFound when the disk has lost it."""
        path = self.path(sha256)
        if not path.is_file():
            raise _gone(sha256)
        return path

    def open_whole(self, sha256: str) -> IO[bytes]:
        """The content, read once and found to be what was stored; NotFound when it is lost or damaged."""
        try:
            file = self.path(sha256).open("rb")
        except OSError as error:
            raise _gone(sha256) from error
        try:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = ""
        if found == sha256:
            file.seek(0)
            return file
        file.close()
        logger.error("the file of artifact content %s is damaged: its bytes have another SHA-256", sha256)
        raise NotFound("the content of this artifact is damaged on the server's disk and not given out")


@dataclass
class Incoming:
    """A file while it arrives."""

    files: ArtifactFiles
    file: "IO[bytes]"
    size_bytes: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The hash of what has arrived."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append, up to the cap."""
        self.size_bytes += len(data)
        if self.size_bytes > self.files.max_bytes:
            raise PayloadTooLarge(f"an artifact has at most {self.files.max_bytes} bytes")
        self._hash.update(data)
        self.file.write(data)

    def keep(self) -> str:
        """Make the content durable under its hash, and return the hash."""
        sha256 = self.sha256
        path = self.files.path(sha256)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(path.parent, fcntl.LOCK_SH):
            Path(self.file.name).replace(path)
        for folder in (path.parent, self.files.root):
            sync(folder)
        return sha256

    def discard(self) -> None:
        """Forget what was not kept."""
        self.file.close()
        Path(self.file.name).unlink(missing_ok=True)


@contextmanager
def held(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder shared or alone against other threads and processes; a process that dies lets go."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _gone(sha256: str) -> NotFound:
    logger.error("the file of artifact content %s is missing", sha256)
    return NotFound("the content of this artifact is gone from the server's disk")
