"""Finds and kills what is left of an attempt whose shim is gone, and confirms that nothing is."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from control_plane.scheduler.processes import (
    ASK_AGAIN_SECONDS,
    MARKER,
    announced,
    await_one,
    find,
    signal_exactly,
)
from control_plane.scheduler.shim import cgroup, process_table, records
from control_plane.scheduler.shim.cgroup import Cgroup
from control_plane.scheduler.shim.process_table import Process

SHIM = b"/shim/__main__.py"


def kill_leftovers(marker: str, directory: Path, wait_seconds: float = 2.0) -> frozenset[int]:
    """Kill whatever is left of an attempt, its shim included; the pids that still live after the wait.

    For an attempt whose shim is gone without an exit record. An empty answer is the confirmation that the slot is free.
    """
    deadline = time.monotonic() + wait_seconds
    left: set[Process] = set()
    group = _cgroup(directory, marker)
    while left := _belonging(marker, _Traces(_session(directory), {*group.pids(), *_shim(directory)}), left):
        group.kill()
        for process in left:
            signal_exactly(process.pid, process.start_ticks, signal.SIGKILL)
        if time.monotonic() >= deadline:
            break
        await_one([process.pid for process in left], ASK_AGAIN_SECONDS)
    group.remove()
    return frozenset(process.pid for process in left)


def _cgroup(directory: Path, marker: str) -> Cgroup:
    """The control group that an attempt was given; one that is nowhere if it has none, or its record was tampered with.

    The record may name no other attempt's group, whoever wrote it.
    """
    name = (records.read_json(directory / records.LAUNCH) or {}).get("cgroup")
    path = Path(name) if isinstance(name, str) else directory
    return Cgroup(path if path.name == cgroup.name_of(marker) else directory / "no-such-group")


def _shim(directory: Path) -> set[int]:
    """The living shim, which need not bear the marker; no other process, whatever the record says."""
    shim = find(directory)
    return {shim.pid} if shim is not None and SHIM in _read(f"/proc/{shim.pid}/cmdline") else set()


class _Traces(NamedTuple):
    """By what else than the marker an attempt's processes are known."""

    session: int | None
    pids: set[int]


def _belonging(marker: str, traces: _Traces, known: set[Process]) -> set[Process]:
    """What carries the marker, sits in the command's session or is otherwise known, and everything below."""
    everyone = [process for process in process_table.all_known() if process.pid != os.getpid()]
    births = {(process.pid, process.start_ticks) for process in known}
    wanted = f"{MARKER}={marker}".encode()
    roots = {
        process
        for process in everyone
        if process.session == traces.session
        or process.pid in traces.pids
        or (process.pid, process.start_ticks) in births
        or wanted in _environment(process.pid)
    }
    family = roots | process_table.descendants((process.pid for process in roots), everyone)
    return {process for process in family if not process.has_ended}


def _session(directory: Path) -> int | None:
    """The session that the command led; None when its number may be another's by now."""
    command = announced(directory, "command_pid", "command_start_ticks")
    if command is None or command.boot_id != process_table.boot_id() or command.pid == os.getsid(0):
        return None
    leader = process_table.look_up(command.pid)  # no pid is given out anew while a session bears its number
    return command.pid if leader is None or leader.start_ticks == command.start_ticks else None


def _environment(pid: int) -> list[bytes]:
    return _read(f"/proc/{pid}/environ").split(b"\0")


def _read(path: str) -> bytes:
    try:
        return process_table.read_bytes(path)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
