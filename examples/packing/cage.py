"""Runs a variant's program where the data set, the network and other processes are out of its reach.

Python's audit hooks see every file that Python code opens. This keeps an honest search honest and refuses the plain
ways to look up the answers; it is no prison for native code that is written to break out.
"""

import os
import runpy
import site
import sys
import sysconfig
from pathlib import Path
from typing import Any

STRANGERS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.",
    "sqlite3.",
)
MOVES = ("os.link", "os.symlink", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Cage:
    """An audit hook that knows which files a program may open."""

    def __init__(self, home: str) -> None:
        libraries = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages()}
        system = {"/sys", "/etc", "/usr/lib", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo"}
        self.home = os.path.realpath(home)
        self.readable = [self.home, f"/proc/{os.getpid()}", *map(os.path.realpath, libraries | system)]
        self.bundled = str(Path("sklearn", "datasets", "data"))

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(STRANGERS):
            raise PermissionError(f"a variant's program may not use {event}")
        if event == "open" and not isinstance(arguments[0], int):
            self.admit(os.path.realpath(os.fsdecode(arguments[0])), arguments[2] or 0)
        if event in MOVES:
            for path in arguments:
                if isinstance(path, (str, bytes, os.PathLike)):
                    self.admit(os.path.realpath(os.fsdecode(path)), WRITING)

    def admit(self, path: str, flags: int) -> None:
        """Refuse a path outside the program's reach."""
        roots = [self.home, os.devnull] if flags & WRITING else self.readable
        if not any(path == root or path.startswith(root + os.sep) for root in roots):
            raise PermissionError(f"a variant's program may not open {path}")
        if self.bundled in path or Path(path).is_dir():
            raise PermissionError("a variant's program may not open the data set")


def main() -> None:
    program = sys.argv[1]
    sys.argv = [program]
    sys.addaudithook(Cage(str(Path.cwd())))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
