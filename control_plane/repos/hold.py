"""The sole right to make the repository of one id: a locked file, which a crash lets go of."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Hold:
    """Held, over all processes that share the folder, until it is released."""

    path: Path
    file: IO[str]

    def release(self) -> None:
        self.path.unlink()  # before the lock goes: whoever waits for it then finds that it is nobody's any more
        self.file.close()


def hold(path: Path, *, waits: bool = False) -> Hold | None:
    """Take the right that the file stands for; None while somebody else has it, unless asked to wait."""
    while True:
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return None
        if _is_at(file, path):
            return Hold(path, file)
        file.close()


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
