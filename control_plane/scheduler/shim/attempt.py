"""One attempt, from reading launch.json to writing exit.json."""

import json
import math
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from control_plane.scheduler.shim import command, records
from control_plane.scheduler.shim.cgroup import Cgroup
from control_plane.scheduler.shim.giving_way import GivingWay
from control_plane.scheduler.shim.limits import Limits, Reason
from control_plane.scheduler.shim.memory import MemoryWatch
from control_plane.scheduler.shim.output import Output, Streams
from control_plane.scheduler.shim.process_table import all_known, boot_id, descendants, look_up, pids_below, read_bytes

TAIL_BYTES = 65536
MOST_PROGRESS_BYTES = 16 * 1024 * 1024
#: A cancel file without a signal is seen after this long at the latest.
LONGEST_PAUSE_SECONDS = 1.0
#: SIGKILL is repeated until nothing is left: soon at first, then ever more slowly.
FIRST_PAUSE_SECONDS = 0.01
#: More than a pipe holds: an end of it that was handed to a stranger cannot keep the attempt open.
MOST_READS_AT_END = 64


class Attempt:
    """The command, its descendants and its output; all paths are relative to the attempt's directory."""

    def __init__(self, launch: dict[str, Any], cgroup: Cgroup | None) -> None:
        self.end: Reason | None = None
        self.status: int | None = None
        self.pid = 0
        self.leftovers: set[int] = set()
        self._launch, self._cgroup = launch, cgroup
        self._is_cancelled = False
        self._giving_way: GivingWay | None = None
        self._kill_at = math.inf
        self._pause = FIRST_PAUSE_SECONDS
        self._streams = Streams()
        watched = 0 if cgroup and cgroup.limits_memory else launch["memory_bytes"]
        self.memory = MemoryWatch(watched, cgroup.pids if cgroup else lambda: pids_below(os.getpid()))
        self._limits = Limits(launch, self.memory)
        limit = launch["log_limit_bytes"]
        self.log = Output(Path(records.LOG), limit, tail_bytes=min(TAIL_BYTES, limit // 4))
        self.stdout = Output(Path(records.STDOUT), limit, tail_bytes=0) if launch["separate_stdout"] else None

    def cancel(self, *_: object) -> None:
        self._is_cancelled = True

    def start(self, env: dict[str, str], announce: Callable[[int], None]) -> None:
        """Start the command, unless its end was asked for before its beginning."""
        if self._wants_to_end() or self._is_to_give_way():
            self.end = Reason("cancelled" if self._wants_to_end() else "preempted", "before it began")
            return
        stdin = os.open(records.STDIN if Path(records.STDIN).exists() else os.devnull, os.O_RDONLY)
        both = self._streams.open(self.log)
        alone = self._streams.open(self.log, self.stdout) if self.stdout else both
        given = command.Given(env, (stdin, alone, both), self._cgroup)
        try:
            self.pid = command.start(self._launch, given, announce)
        except OSError as error:
            self.end = Reason("start_failed", error.strerror)
        for descriptor in {stdin, alone, both}:
            os.close(descriptor)
        self._limits.begin(time.monotonic())

    def wait(self) -> None:
        """Return when neither the command nor any descendant of it is left, and all they wrote is kept."""
        while self._reap():
            now = time.monotonic()
            self._decide(now)
            if self._streams.pass_on(min(max(self._due() - now, 0), LONGEST_PAUSE_SECONDS)):
                self._limits.heard(time.monotonic())
        self.end = self.end or Reason("preempted" if self._giving_way else "exited")
        for _ in range(MOST_READS_AT_END):
            if not self._streams.pass_on(0):
                break
        self.log.close()
        if self.stdout:
            self.stdout.close()

    def _due(self) -> float:
        """When there is something to decide, at the latest."""
        if self.end:
            return self._kill_at
        return self._giving_way.due if self._giving_way else self._limits.due

    def _reap(self) -> bool:
        """Collect the ended; whether anyone is left. Every orphan is a child of this process."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.status = status

    def _decide(self, now: float) -> None:
        if self.end is None:
            self.end = self._reason_to_end(now)
            if self.end:
                self._begin_to_end(now)
        elif now >= self._kill_at:
            self._signal_all(signal.SIGKILL)
            self._kill_at = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        if self._giving_way and self._wants_to_end():
            self.end = Reason("cancelled")

    def _tell(self) -> None:
        """A command that only looks learns it here, and not from the request: it may not end before we know why."""
        with suppress(OSError):  # on a full disk it is told by the signal alone
            Path(records.STOPPING).touch()

    def _begin_to_end(self, now: float) -> None:
        self._tell()
        self._signal_all(signal.SIGTERM)
        has_been_told = self._giving_way is not None and self._giving_way.may_be_killed(now)
        self._kill_at = now if has_been_told else now + self._launch["grace_seconds"]

    def _reason_to_end(self, now: float) -> Reason | None:
        if self._giving_way:
            if self._wants_to_end():
                return Reason("cancelled")
            return Reason("preempted", "it was asked to give way") if self._giving_way.is_over(now) else None
        if self.status is not None:
            return Reason("exited")
        if self._wants_to_end():
            return Reason("cancelled")
        if self._is_to_give_way():
            self._tell()
            self._giving_way = GivingWay(self._launch, self.pid, now)
            return None
        return self._limits.broken(now)

    def _wants_to_end(self) -> bool:
        return self._is_cancelled or Path(records.CANCEL).exists()

    def _is_to_give_way(self) -> bool:
        return Path(records.PREEMPT).exists()

    def _signal_all(self, number: signal.Signals) -> None:
        """Signal every descendant, by group: a fork races a signal to one process, never one to its group."""
        family = descendants([os.getpid()], all_known())
        if self.status is not None:
            self.leftovers.update(process.pid for process in family if not process.has_ended)
        for group in {process.group for process in family} - {0, 1, os.getpgrp()}:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


def run(directory: Path) -> None:
    """Run the attempt of a directory to its end."""
    os.chdir(directory)
    secrets = _read_secrets()
    command.adopt_orphans()
    launch = records.read_json(Path(records.LAUNCH))
    if launch is None:
        raise SystemExit(f"{directory / records.LAUNCH} is not readable")
    cgroup = _cgroup(launch)
    attempt = Attempt(launch, cgroup)
    _listen(attempt)
    started_at, oom_kills = time.time(), _oom_kills()
    _announce()  # before the look for a cancel file: who writes that looks for this
    attempt.start({**launch["env"], **secrets}, _announce)
    attempt.wait()
    is_exit = attempt.end is not None and attempt.end.cause == "exited"
    if is_exit and _was_killed(attempt.status) and _has_run_out(cgroup, oom_kills):
        attempt.end = Reason("out_of_memory", "the machine's memory, or its share of it, was used up")
    ended = {"started_at": records.rfc3339(started_at), "ended_at": records.rfc3339(time.time())}
    _cut(Path(records.PROGRESS))
    outcome = _outcome(attempt, cgroup)
    if cgroup:
        cgroup.remove()
    records.insist_on_json(Path(records.EXIT), {**outcome, **ended})


def _cgroup(launch: dict[str, Any]) -> Cgroup | None:
    """The attempt's control group, if it is to have one and the machine lets us make it."""
    if launch["cgroup"] is None:
        return None
    cgroup = Cgroup(Path(launch["cgroup"]))
    return cgroup if cgroup.make(launch["memory_bytes"]) else None


def _cut(progress: Path) -> None:
    """What a command says of its progress is kept up to a size, as its log is."""
    with suppress(OSError):
        if progress.stat().st_size > MOST_PROGRESS_BYTES:
            os.truncate(progress, MOST_PROGRESS_BYTES)


def _read_secrets() -> dict[str, str]:
    """Read standard input to its end and drop it, with all else that was inherited by accident."""
    text = read_bytes("/proc/self/fd/0")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, max(int(link.name) for link in Path("/proc/self/fd").iterdir()) + 1)
    secrets: dict[str, str] = json.loads(text or b"{}")
    return secrets


def _listen(attempt: Attempt) -> None:
    signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal without a handler would not wake the poll
    signal.signal(signal.SIGTERM, attempt.cancel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _announce(command_pid: int = 0) -> None:
    """Tell who runs this attempt and, once there is one, the command."""
    shim, child = look_up(os.getpid()), look_up(command_pid)
    started: dict[str, Any] = {"pid": os.getpid(), "start_ticks": shim and shim.start_ticks, "boot_id": boot_id()}
    if command_pid:
        started |= {"command_pid": command_pid, "command_start_ticks": child and child.start_ticks}
    records.write_json(Path(records.STARTED), started)


def _outcome(attempt: Attempt, cgroup: Cgroup | None) -> dict[str, Any]:
    code = None if attempt.status is None else os.waitstatus_to_exitcode(attempt.status)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    max_rss_bytes = usage.ru_maxrss * 1024
    return {
        "cause": attempt.end and attempt.end.cause,
        "exit_code": code if code is not None and code >= 0 else None,
        "signal": -code if code is not None and code < 0 else None,
        "error": attempt.end and attempt.end.detail,
        "user_seconds": usage.ru_utime,
        "system_seconds": usage.ru_stime,
        "max_rss_bytes": max_rss_bytes,
        "peak_memory_bytes": max(max_rss_bytes, attempt.memory.peak_bytes, cgroup.peak_bytes if cgroup else 0),
        "leftovers": len(attempt.leftovers),
        "log_left_out_bytes": attempt.log.left_out_bytes,
        "stdout_left_out_bytes": attempt.stdout.left_out_bytes if attempt.stdout else 0,
    }


def _was_killed(status: int | None) -> bool:
    """Whether SIGKILL ended the command, or a child whose end a shell reports as 128 + 9."""
    return status is not None and os.waitstatus_to_exitcode(status) in (-signal.SIGKILL, 128 + signal.SIGKILL)


def _has_run_out(cgroup: Cgroup | None, oom_kills: int) -> bool:
    """Whether the kernel ended something for want of memory: of this attempt, where that is told, else anything."""
    return bool(cgroup.oom_kills) if cgroup and cgroup.limits_memory else _oom_kills() > oom_kills


def _oom_kills() -> int:
    """How many processes the kernel has ended for want of memory since boot; 0 where it does not tell."""
    words = read_bytes("/proc/vmstat").split()
    return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0
