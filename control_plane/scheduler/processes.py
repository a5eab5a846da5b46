"""Attempts as operating-system processes: launch, recognise after a restart, await, stop, and clean up after a shim."""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from control_plane.scheduler.shim import __file__ as shim_package
from control_plane.scheduler.shim import cgroup, process_table, records

MARKER = "SWITCHYARD_ATTEMPT"
SHIM_PROGRAM = Path(shim_package).with_name("__main__.py")
#: How often a kernel without pidfd is asked.
ASK_AGAIN_SECONDS = 0.05

Cause = Literal["exited", "timed_out", "cancelled", "start_failed", "out_of_memory", "preempted"]


@dataclass(frozen=True)
class Launch:
    """What the shim is to run; `env` is complete, and `marker` names the attempt as `<job>/<number>`.

    `memory_bytes` of 0 is no limit; `cgroups` is the folder where the attempt's control group is made, if at all.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    marker: str
    timeout_seconds: float | None = None
    idle_timeout_seconds: float | None = None
    grace_seconds: float = 10.0
    preempt_signal: str = "SIGTERM"
    preempt_grace_seconds: float = 10.0
    memory_bytes: int = 0
    cgroups: Path | None = None
    stdin: str | None = None
    separate_stdout: bool = False
    log_limit_bytes: int = 16 * 1024 * 1024
    nice: int = 0
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Handle:
    """A shim, told apart from any later process of the same pid."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class Exit:
    """How an attempt ended; nothing of it runs any more. Times are RFC 3339, usage is that of all its processes."""

    cause: Cause
    exit_code: int | None
    signal: int | None
    error: str | None
    started_at: str
    ended_at: str
    user_seconds: float
    system_seconds: float
    max_rss_bytes: int
    leftovers: int
    log_left_out_bytes: int
    stdout_left_out_bytes: int
    peak_memory_bytes: int = 0


class Breeder(Protocol):
    """Something that starts shims faster than a fresh interpreter does."""

    def start(self, directory: Path, secrets: int) -> Handle: ...


def launch(directory: Path, what: Launch, breeder: Breeder | None = None) -> Handle:
    """Start a shim that outlives this process; the secrets reach the command's environment through memory alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if what.stdin is not None:
        (directory / records.STDIN).write_text(what.stdin, encoding="utf-8")
    records.write_json(directory / records.LAUNCH, _as_json(what))
    secrets = os.memfd_create("secrets", os.MFD_CLOEXEC)
    try:
        os.write(secrets, json.dumps(dict(what.secrets)).encode())
        if breeder is not None:
            return breeder.start(directory.resolve(), secrets)
        return _handle(_spawn_shim(directory.resolve(), what.marker, secrets))
    finally:
        os.close(secrets)


def find(directory: Path) -> Handle | None:
    """The living shim of a directory, whoever started it."""
    shim = announced(directory, "pid", "start_ticks")
    return shim if shim is not None and is_alive(shim) else None


def fence(directory: Path) -> Handle | None:
    """Forbid the command to a shim that has not announced itself yet; answers with the living one that has.

    Write the wish to stop, then look for the announcement; the shim announces itself, then looks for the wish. Whatever
    the order, one of the two sees the other: after None, no command of this directory runs under a shim or ever will.
    """
    (directory / records.CANCEL).touch()
    return find(directory)


def is_alive(handle: Handle) -> bool:
    process = process_table.look_up(handle.pid)
    if process is None or process.start_ticks != handle.start_ticks or handle.boot_id != process_table.boot_id():
        return False
    if process.has_ended:
        with suppress(ChildProcessError):  # a child of an earlier scheduler is not ours to collect
            os.waitpid(handle.pid, os.WNOHANG)
        return False
    return True


def ask_to_stop(directory: Path) -> None:
    """Cancel: SIGTERM to all, SIGKILL after the grace; exit.json follows. Asking twice is asking once."""
    shim = fence(directory)
    if shim is not None:
        signal_exactly(shim.pid, shim.start_ticks, signal.SIGTERM)


def ask_to_give_way(directory: Path) -> None:
    """Preempt: the command's own signal and time, then as for a cancel; one that is yet to start never does."""
    (directory / records.PREEMPT).touch()
    shim = find(directory)
    if shim is not None:
        signal_exactly(shim.pid, shim.start_ticks, signal.SIGCHLD)  # it wakes the shim and means nothing else


def wait(handles: Collection[Handle], timeout_seconds: float, wake_fd: int | None = None) -> frozenset[Handle]:
    """Those that have ended; returns at the first end, when `wake_fd` becomes readable, or after the timeout."""
    with ExitStack() as opened:
        poll = select.poll()
        if wake_fd is not None:
            poll.register(wake_fd, select.POLLIN)
        watched = [_watch(handle.pid, poll, opened) for handle in handles]
        deadline = time.monotonic() + timeout_seconds
        while True:
            ended = frozenset(handle for handle in handles if not is_alive(handle))
            left = deadline - time.monotonic()
            if ended or left <= 0:
                return ended
            if poll.poll(1000 * (left if all(watched) else min(left, ASK_AGAIN_SECONDS))):
                return frozenset(handle for handle in handles if not is_alive(handle))


def read_exit(directory: Path) -> Exit | None:
    """How the attempt ended; None while it has not, and for ever when its shim was killed."""
    record = records.read_json(directory / records.EXIT)
    try:
        return Exit(**record) if record is not None else None
    except TypeError:  # the command could write here, too
        return None


def _as_json(what: Launch) -> dict[str, object]:
    record = asdict(what)
    del record["secrets"], record["cgroups"]
    group = str(what.cgroups / cgroup.name_of(what.marker)) if what.cgroups is not None else None
    return record | {"cwd": str(what.cwd), "cgroup": group, "env": {**what.env, MARKER: what.marker}}


def _spawn_shim(directory: Path, marker: str, secrets: int) -> int:
    log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", str(SHIM_PROGRAM), str(directory)],
        {MARKER: marker},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, secrets, 0),
            (os.POSIX_SPAWN_OPEN, 1, directory / records.SHIM_LOG, log, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    )


def _handle(pid: int) -> Handle:
    process = process_table.look_up(pid)
    if process is None:  # a child nobody has waited for keeps its entry
        raise ProcessLookupError(pid)
    return Handle(pid, process.start_ticks, process_table.boot_id())


def announced(directory: Path, pid: str, start_ticks: str) -> Handle | None:
    """Whom started.json names, whether that lives or not."""
    started = records.read_json(directory / records.STARTED)
    try:
        return Handle(int(started[pid]), int(started[start_ticks]), str(started["boot_id"])) if started else None
    except (KeyError, TypeError, ValueError):  # the command could write here, too
        return None


def signal_exactly(pid: int, start_ticks: int, number: signal.Signals) -> None:
    """Signal this process and never one that came later by its pid."""
    process = process_table.look_up(pid)
    if process is not None and process.start_ticks == start_ticks:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _watch(pid: int, poll: select.poll, opened: ExitStack) -> bool:
    """Whether the poll will tell when the process ends, or it has already."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    opened.callback(os.close, descriptor)
    poll.register(descriptor, select.POLLIN)
    return True


def await_one(pids: list[int], timeout_seconds: float) -> None:
    """Sleep until one of these has ended, or the time is over."""
    with ExitStack() as opened:
        poll = select.poll()
        for pid in pids:
            _watch(pid, poll, opened)
        poll.poll(1000 * timeout_seconds)
