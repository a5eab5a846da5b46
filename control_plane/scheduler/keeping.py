"""What is kept of jobs, how long and how much: logs, progress, and the checkpoints a later attempt resumes from."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

GIB = 1024**3
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Keeping:
    """How long the files of ended jobs stay, how much of them, and how much a job may keep in checkpoints."""

    days: float = 30
    most_bytes: int = 50 * GIB
    checkpoint_bytes: int = 50 * GIB


class Kept(NamedTuple):
    """One file, by its path below the folder."""

    name: str
    bytes: int
    modified: float


def files(folder: Path) -> Iterator[Kept]:
    """Every plain file below a folder that somebody else fills; links are neither told of nor followed."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                found = path.lstat()
            except OSError:  # it has just been replaced
                continue
            if stat.S_ISREG(found.st_mode):
                yield Kept(str(path.relative_to(folder)), found.st_size, found.st_mtime)


def trim(folder: Path, most_bytes: int) -> None:
    """Remove the oldest entries of a folder, each whole, until the rest is small enough; the newest stays."""
    entries: dict[str, list[Kept]] = {}
    for kept in files(folder):
        entries.setdefault(Path(kept.name).parts[0], []).append(kept)
    oldest = sorted(entries, key=lambda name: max(kept.modified for kept in entries[name]))
    held = sum(kept.bytes for inside in entries.values() for kept in inside)
    gone = 0
    while held - gone > most_bytes and len(oldest) > 1:
        name = oldest.pop(0)
        remove(folder / name)
        gone += sum(kept.bytes for kept in entries[name])


def remove(path: Path) -> None:
    """Take away a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
