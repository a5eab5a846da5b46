"""A control group of an attempt's own (cgroup v2), where the machine lets us make one.

It knows every process of the attempt, wherever that went and whatever it dropped, ends them all in one step, and where
the memory controller is handed down to it, bounds and measures their memory together.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "switchyard-"
#: A group this young may be one that its first process is yet to join.
YOUNG_SECONDS = 60.0


class Cgroup:
    """The group of one attempt; every method is quiet when the group is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.limits_memory = False

    def make(self, memory_bytes: int) -> bool:
        """Make the group, with a limit if the machine lets us set one; False where none may be made."""
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError:
            return False
        if memory_bytes:
            self.limits_memory = self._write("memory.max", str(memory_bytes))
            self._write("memory.swap.max", "0")
            self._write("memory.oom.group", "1")
        return True

    def join(self) -> None:
        """Put this process into the group; its children will be born there."""
        self._write("cgroup.procs", "0")

    def pids(self) -> set[int]:
        """Every process in it, those of groups below it too."""
        return {int(pid) for folder, _, _ in os.walk(self._folder) for pid in _words(Path(folder, "cgroup.procs"))}

    def kill(self) -> None:
        """SIGKILL to all at once; none can fork away from it."""
        self._write("cgroup.kill", "1")

    def remove(self) -> None:
        """Take the group away, once nothing is in it."""
        for folder, _, _ in os.walk(self._folder, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()

    @property
    def peak_bytes(self) -> int:
        """The most memory that it held at once; 0 where that is not counted."""
        words = _words(self._folder / "memory.peak")
        return int(words[0]) if words else 0

    @property
    def oom_kills(self) -> int:
        """How many of its processes the kernel has ended for want of memory."""
        words = _words(self._folder / "memory.events")
        return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0

    def _write(self, name: str, text: str) -> bool:
        try:
            (self._folder / name).write_text(text)
        except OSError:
            return False
        return True


def hand_down(parent: Path) -> None:
    """Let the groups in this one have limits of memory, if it has that to give and no process of its own."""
    with suppress(OSError):
        (parent / "cgroup.subtree_control").write_text("+memory")


def sweep(parent: Path) -> None:
    """Take away the groups of attempts that ended with nobody to do it; what is young or in use stays."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
                folder.rmdir()


def name_of(marker: str) -> str:
    """What the group of an attempt is called."""
    return PREFIX + marker.replace("/", "-")


def own_folder() -> Path | None:
    """Where groups below this process's own are made; None on a machine without the second version."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    mount = next((words[4] for words in mounts if words[words.index("-") + 1] == "cgroup2"), None)
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    within = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    return None if mount is None or within is None else Path(mount, within)


def _words(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split()
    except OSError:
        return []
