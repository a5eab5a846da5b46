"""What /proc tells of the processes of this machine."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

CHUNK_BYTES = 65536


class Process(NamedTuple):
    """One line of the table; `start_ticks` (since boot) tells a process from a later one with the same pid."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    threads: int
    start_ticks: int

    @property
    def has_ended(self) -> bool:
        """A zombie has, unless its first thread is the only one that ended."""
        return self.state in "ZX" and self.threads < 2


def look_up(pid: int) -> Process | None:
    try:
        stat = read_bytes(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name before it may hold spaces and brackets
    parent, group, session, threads, start_ticks = (int(fields[at]) for at in (1, 2, 3, 17, 19))
    return Process(pid, fields[0].decode(), parent, group, session, threads, start_ticks)


def all_known() -> list[Process]:
    """Every process of the machine, zombies too."""
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    return [process for process in map(look_up, pids) if process]


def descendants(roots: Iterable[int], processes: Iterable[Process]) -> set[Process]:
    """Everything below the roots, the roots left out."""
    children = defaultdict(list)
    for process in processes:
        children[process.parent].append(process)
    found: set[Process] = set()
    waiting = list(roots)
    while waiting:
        below = children.pop(waiting.pop(), [])
        found.update(below)
        waiting += [process.pid for process in below]
    return found


def pids_below(root: int) -> set[int]:
    """The pids of everything below a process, asked of each parent: cheaper than a look at the whole table."""
    if not Path("/proc/thread-self/children").exists():  # a kernel may be built without
        return {process.pid for process in descendants([root], all_known())}
    found: set[int] = set()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        try:
            threads = list(Path(f"/proc/{pid}/task").iterdir())
            words = [word for thread in threads for word in read_bytes(f"{thread}/children").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended, and its children are the shim's by now: the next look finds them
        new = {int(word) for word in words} - found
        found |= new
        waiting += new
    return found


def boot_id() -> str:
    return read_bytes("/proc/sys/kernel/random/boot_id").decode().strip()


def read_bytes(path: str) -> bytes:
    """A file of /proc, whole, without the ceremony of a buffered reader."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, CHUNK_BYTES), b""))
    finally:
        os.close(descriptor)
