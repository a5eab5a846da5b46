"""Files beneath a folder that somebody else has filled: no symbolic link in a path is ever followed."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from control_plane.scheduler.workspace.errors import WorkspaceError

LONGEST_NAME = 255
"""In bytes; file systems have no longer ones."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_text(root: Path, path: str, text: str) -> None:
    """Write a new file in the place of whatever stood there; a link or file where a folder must be gives way to one."""
    *folders, name = parts(path)
    with _opened(root, folders, is_made=True) as folder:
        _clear(name, folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "w", encoding="utf-8", newline="") as file:
            file.write(text)


def read_bytes(root: Path, path: str, limit_bytes: int) -> bytes | None:
    """A plain file of at most this size, whole; None for anything else, a path that leads elsewhere included."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a pipe must not hold us up
    try:
        *folders, name = parts(path)
        with _opened(root, folders) as folder, os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(limit_bytes + 1)
    except (OSError, WorkspaceError):
        return None
    return data if len(data) <= limit_bytes else None


def parts(path: str) -> tuple[str, ...]:
    """The names a relative path is made of; WorkspaceError when it is absolute, climbs or says nothing."""
    names = PurePosixPath(path).parts
    is_too_long = any(len(os.fsencode(name)) > LONGEST_NAME for name in names)
    if not names or path.startswith("/") or ".." in names or "\0" in path or is_too_long:
        raise WorkspaceError(f"{path!r} is not a path inside the workspace")
    return names


@contextmanager
def _opened(root: Path, folders: Sequence[str], *, is_made: bool = False) -> Iterator[int]:
    folder = os.open(root, FOLDER)
    try:
        for name in folders:
            if is_made:
                _make_folder(name, folder)
            below = os.open(name, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def _make_folder(name: str, within: int) -> None:
    try:
        os.mkdir(name, dir_fd=within)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=within, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=within)
            os.mkdir(name, dir_fd=within)


def _clear(name: str, within: int) -> None:
    try:
        os.unlink(name, dir_fd=within)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # the kernel's two words for unlinking a folder
        shutil.rmtree(name, dir_fd=within)
