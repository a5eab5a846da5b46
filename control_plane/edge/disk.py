"""What a full disk means to whoever sent something: it was not kept, and may be once there is room."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store_client.errors import Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def room() -> Iterator[None]:
    """Unavailable where the disk has no room left for what is written in the block."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise Unavailable("the server's disk is full; nothing of this was lost here: send it again") from error
        raise


KEPT_FREE_BYTES = 1 << 30
KEPT_FREE_PART = 0.02
"""So much of a disk, and no more than that many bytes, is left to what runs: the database, logs, results."""


def must_hold(folder: Path, size_bytes: int) -> None:
    """Unavailable where so much more in a folder would leave too little of its disk to what runs."""
    disk = shutil.disk_usage(folder)
    left = disk.free - min(KEPT_FREE_BYTES, int(disk.total * KEPT_FREE_PART))
    if size_bytes > left:
        raise Unavailable(
            f"the server's disk has {_megabytes(disk.free)} MB left, too little for {_megabytes(size_bytes)} MB more "
            "beside what runs; an administrator makes room, checkpoints and old logs first, and then it is sent again"
        )


def _megabytes(size_bytes: int) -> str:
    return f"{max(1, round(size_bytes / 1_000_000)):,}"
