"""Processes as the kernel sees them: whose they are, whether they live, and their end."""

import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path


def of_directory(data: Path) -> dict[int, str]:
    """Every living process that names a data directory in its arguments, or was given it in its environment."""
    found = dict(_commands())
    mark = os.fsencode(data)
    return {pid: command for pid, command in found.items() if _mentions(pid, mark)}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def kill(*pids: int) -> None:
    """End processes at once, whoever of them still lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def await_end(pids: Iterable[int], seconds: float) -> list[int]:
    """Wait until these processes have ended; those that live on after so many seconds."""
    deadline = time.monotonic() + seconds
    with ExitStack() as opened:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                opened.callback(os.close, descriptor)
                select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
    return [pid for pid in pids if is_alive(pid)]


def end_all(data: Path) -> None:
    """Kill whatever belongs to a data directory, until there is nothing."""
    for _ in range(20):
        left = of_directory(data)
        if not left:
            return
        kill(*left)
        await_end(left, 1)
    raise AssertionError(f"processes that cannot be killed: {of_directory(data)}")


def _commands() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid() and is_alive(int(entry.name)):
            with suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _mentions(pid: int, mark: bytes) -> bool:
    with suppress(OSError):
        place = Path("/proc", str(pid))
        return mark in (place / "cmdline").read_bytes() or mark in (place / "environ").read_bytes()
    return False
