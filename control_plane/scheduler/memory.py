"""How much memory this machine has for us."""

import os
from contextlib import suppress
from pathlib import Path

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may use; "max" where there is no limit."""


def memory_of_machine(limit: Path = LIMIT) -> int:
    """Bytes of memory, within the limit that our container has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        return min(total, int(limit.read_text("ascii")))
    return total
