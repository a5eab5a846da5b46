"""Checkpoints of jobs whose attempts run on other machines: they come here, and the next attempt fetches them.

A file comes in pieces into a part of its own, named by what it is and how large. Once an attempt says what the
checkpoints are, a new folder of links to those files takes the old one's place: it is never half of each.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control_plane.scheduler.keeping import CHECKPOINTS, files, remove
from control_plane.scheduler.shim import records
from control_plane.scheduler.spool import PARTS, write_at
from store_client.errors import InvalidPrecondition, NotFound, PayloadTooLarge
from store_client.wire.attempts import MOST_CHECKPOINTS, CarriedCheckpoints, CarriedFile

AUTHOR, LOCK = "checkpoints.json", "checkpoints.lock"
NEW, OLD = "checkpoints.new", "checkpoints.old"


@dataclass(frozen=True)
class Carried:
    """The checkpoints of one job; `folder` is where all of its files are."""

    folder: Path
    most_bytes: int

    @property
    def tree(self) -> Path:
        return self.folder / CHECKPOINTS

    def listed(self) -> CarriedCheckpoints:
        """What is kept, and which attempt left it."""
        with self._alone():
            author = (records.read_json(self.folder / AUTHOR) or {}).get("attempt", 0)
            kept = [_seen(self.tree, each.name) for each in files(self.tree)]
            found = tuple(sorted((each for each in kept if each is not None), key=lambda each: each.name))
            return CarriedCheckpoints(attempt=author, files=found[:MOST_CHECKPOINTS], most_bytes=self.most_bytes)

    def find(self, name: str) -> tuple[Path, CarriedFile]:
        """A file that is kept; NotFound for any other."""
        found = _seen(self.tree, name)
        if found is None:
            raise NotFound("there is no such checkpoint")
        return self.tree / name, found

    def take(self, attempt: int, file: CarriedFile, offset: int, data: bytes) -> int:
        """Write bytes of a file where they belong; how much of it there is then."""
        part = self._part(attempt, file)
        if not part.exists():
            self._check_room(part.parent, file.bytes)
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return write_at(part, offset, data, file.bytes)

    def keep(self, attempt: int, wanted: Sequence[CarriedFile]) -> None:
        """Have these be the checkpoints; InvalidPrecondition while one of them has not arrived whole."""
        with self._alone():
            new, old = self.folder / NEW, self.folder / OLD
            remove(new)
            new.mkdir(mode=0o700)
            for file in wanted:
                self._link(self._source(attempt, file), file, new)
            records.write_json(self.folder / AUTHOR, {"attempt": attempt}, is_durable=True)
            if self.tree.exists():
                self.tree.rename(old)
            new.rename(self.tree)
            remove(old)
            remove(self._parts(attempt))

    def _source(self, attempt: int, file: CarriedFile) -> Path:
        """Where the whole of a file is: it has just come, or was kept before."""
        part = self._part(attempt, file)
        if part.exists() and part.stat().st_size == file.bytes:
            _settle(part, file)
            return part
        if _seen(self.tree, file.name) == file:
            return self.tree / file.name
        raise InvalidPrecondition(f"{file.name} has not arrived whole")

    def _link(self, source: Path, file: CarriedFile, new: Path) -> None:
        try:
            (new / file.name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(source, new / file.name)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidPrecondition(f"{file.name} is named twice, or as a folder too") from error

    def _check_room(self, parts: Path, more_bytes: int) -> None:
        coming = [int(part.name.rpartition("-")[2]) for part in parts.glob("*")]
        if sum(coming) + more_bytes > self.most_bytes or len(coming) >= MOST_CHECKPOINTS:
            limit = f"{self.most_bytes / 2**30:g} GiB in {MOST_CHECKPOINTS} files"
            raise PayloadTooLarge(f"the checkpoints of a job are {limit} at most")

    def _parts(self, attempt: int) -> Path:
        return self.folder / str(attempt) / PARTS

    def _part(self, attempt: int, file: CarriedFile) -> Path:
        """Of two states of a file each has a part of its own."""
        state = f"{file.modified_microseconds}/{file.name}".encode()
        return self._parts(attempt) / f"{hashlib.sha256(state).hexdigest()[:32]}-{file.bytes}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the folder meanwhile; what a change that was cut off left is put right first."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if (self.folder / OLD).exists() and not self.tree.exists():
                (self.folder / OLD).rename(self.tree)
            remove(self.folder / OLD)
            yield
        finally:
            os.close(descriptor)


def _seen(tree: Path, name: str) -> CarriedFile | None:
    """A plain file as it is told of; None where there is none, or its name says nothing that travels."""
    try:
        found = (tree / name).lstat()
        told = {"name": name, "bytes": found.st_size, "modified_microseconds": max(found.st_mtime_ns // 1000, 0)}
        is_plain = stat.S_ISREG(found.st_mode) and (tree / name).resolve() == tree.resolve() / name
        return CarriedFile.model_validate(told) if is_plain else None
    except (OSError, ValueError):
        return None


def _settle(part: Path, file: CarriedFile) -> None:
    """On disk, with the time that the file had where it came from."""
    descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.utime(descriptor, ns=(file.modified_microseconds * 1000,) * 2)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
