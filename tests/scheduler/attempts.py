"""Attempts for tests: real shims that run small shell and Python programs."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from control_plane.scheduler import processes
from control_plane.scheduler.leftovers import kill_leftovers
from control_plane.scheduler.nursery import Nursery
from control_plane.scheduler.processes import Exit, Handle, Launch
from control_plane.scheduler.shim import process_table

PATIENCE_SECONDS = 60.0

#: A child that leaves its session and its parent, and tells its pid in the file `daemon`.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon.tmp", "w").write(str(os.getpid()))
        os.rename("daemon.tmp", "daemon")
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists("daemon"):
    time.sleep(0.01)
"""


def eventually(look: Callable[[], object], wanted: str) -> None:
    """Return once `look` gives something true; fail after a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"never came: {wanted}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    process = process_table.look_up(pid)
    return process is not None and not process.has_ended


class Bench:
    """A directory in which attempts run, one at a time, and from which none escapes."""

    def __init__(self, directory: Path, nursery: Nursery | None = None) -> None:
        self.nursery = nursery
        self.directory = directory / "attempt"
        self.cwd = directory / "cwd"
        self.cwd.mkdir()
        self.plain = Launch(argv=(), cwd=self.cwd, env={"PATH": "/usr/bin:/bin"}, marker=f"job_{directory.name}/1")

    def start(self, *argv: str, **options: Any) -> Handle:
        return processes.launch(self.directory, replace(self.plain, argv=argv, **options), self.nursery)

    def shell(self, script: str, **options: Any) -> Handle:
        return self.start("/bin/sh", "-c", script, **options)

    def python(self, program: str, **options: Any) -> Handle:
        return self.start(sys.executable, "-I", "-S", "-c", program, **options)

    def end(self, handle: Handle) -> Exit:
        assert processes.wait([handle], PATIENCE_SECONDS) == {handle}
        ended = processes.read_exit(self.directory)
        assert ended is not None, self.read("shim.log")
        return ended

    def read(self, name: str) -> str:
        return (self.directory / name).read_text()

    def await_file(self, name: str) -> str:
        """The text of a file that the command writes in one step."""
        path = self.cwd / name
        eventually(path.exists, name)
        return path.read_text()


@contextmanager
def bench(directory: Path, nursery: Nursery | None = None) -> Iterator[Bench]:
    made = Bench(directory, nursery)
    yield made
    assert not kill_leftovers(made.plain.marker, made.directory)
