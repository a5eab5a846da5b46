"""What a full disk means to whoever sent something: it was not kept, and may be once there is room."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

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
