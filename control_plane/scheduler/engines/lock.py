"""Who works in a folder: one at a time, until it lets go or ends."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Lock:
    """The lock of a folder of attempts."""

    folder: Path
    _fd: int | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        if self._fd is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = _locked(self.folder / ".lock")
        return self._fd is not None

    def let_go(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock of a file; None while somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
