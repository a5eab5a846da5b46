"""Whose a process is that the driver names: an attempt's, by the marker that it or what started it carries."""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from control_plane.scheduler.processes import MARKER
from control_plane.scheduler.shim import process_table

Key = tuple[str, int]
"""Job id and attempt."""
OLDEST_ANCESTORS = 64
"""No family goes further back; one that seems to has changed under our eyes."""


@dataclass(frozen=True)
class Owner:
    """Who runs a process; all is unknown of one that cannot be seen from here, as from within a container."""

    attempts: tuple[Key, ...] = ()
    """The attempts that it descends from, the innermost first; also those of another deployment."""
    user: str | None = None
    command: str | None = None

    @property
    def is_seen(self) -> bool:
        return self.command is not None


def owner_of(pid: int) -> Owner:
    """Who runs a process, asked of /proc."""
    command = _text(f"/proc/{pid}/comm")
    if command is None:
        return Owner()
    carried = (_marker(ancestor) for ancestor in _line(pid))
    attempts = dict.fromkeys(key for key in carried if key is not None)
    return Owner(tuple(attempts), _user(pid), command.strip())


def _line(pid: int) -> Iterator[int]:
    """The process, its parent, and so on."""
    for _ in range(OLDEST_ANCESTORS):
        if pid <= 1:
            return
        yield pid
        process = process_table.look_up(pid)
        if process is None:
            return
        pid = process.parent


def _marker(pid: int) -> Key | None:
    with suppress(OSError):
        for variable in process_table.read_bytes(f"/proc/{pid}/environ").split(b"\0"):
            name, _, value = variable.partition(b"=")
            if name == MARKER.encode():
                return _key(value.decode(errors="replace"))
    return None


def _key(marker: str) -> Key | None:
    job_id, _, attempt = marker.rpartition("/")
    return (job_id, int(attempt)) if job_id and attempt.isdecimal() else None


def _user(pid: int) -> str | None:
    try:
        number = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - /proc, once per process and look
    except OSError:
        return None
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)


def _text(path: str) -> str | None:
    with suppress(OSError):
        return process_table.read_bytes(path).decode(errors="replace")
    return None
