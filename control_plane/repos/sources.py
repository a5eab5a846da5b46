"""What may become an experiment's first commit: plain files and links that stay inside, within limits."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from control_plane.repos.refusals import SeedRefused

# Left out of every seed besides what the directory's own .gitignore names: what running the experiment leaves behind.
LEFT_OUT = ("__pycache__/", "*.py[co]", ".DS_Store", ".venv/", ".switchyard/")


@dataclass(frozen=True, slots=True)
class SeedLimits:
    file_bytes: int = 50 << 20
    total_bytes: int = 1 << 30
    files: int = 50_000


def inspect(source: Path, names: Iterable[bytes], limits: SeedLimits) -> None:
    """Refuse the first of the files that cannot be part of a seed."""
    count = total = 0
    for name in names:
        count, total = count + 1, total + _size(source, name, limits)
        if count > limits.files:
            raise SeedRefused("", f"more than {limits.files} files")
        if total > limits.total_bytes:
            raise SeedRefused("", f"more than {limits.total_bytes} bytes in all")
    if not count:
        raise SeedRefused("", "there are no files to start from")


def _size(source: Path, name: bytes, limits: SeedLimits) -> int:
    shown = os.fsdecode(name)
    if name.endswith(b"/"):
        raise SeedRefused(shown, "is a git repository of its own")
    found = (source / shown).lstat()
    if stat.S_ISLNK(found.st_mode):
        _check_link(source, shown)
    elif found.st_size > limits.file_bytes:
        raise SeedRefused(shown, f"has {found.st_size} bytes; a file may have {limits.file_bytes}")
    return found.st_size


def _check_link(source: Path, name: str) -> None:
    path = source / name
    landing = Path(os.path.relpath(os.path.realpath(path), source)).parts
    if path.readlink().is_absolute() or landing[0] == os.pardir or ".git" in landing:
        raise SeedRefused(name, "is a link that leads out of the directory")
