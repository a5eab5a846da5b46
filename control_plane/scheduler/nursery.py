"""Starts shims through a process that has loaded their program already (`shim/nursery.py`), at a fifth of the cost."""

import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from control_plane.scheduler.processes import SHIM_PROGRAM, Handle
from control_plane.scheduler.shim import process_table

ANSWER_SECONDS = 20.0
LONGEST_ANSWER = 64


class NurseryLostError(RuntimeError):
    """It is not known whether a shim was started; whoever fences its directory can be sure that it runs nothing."""


@dataclass
class Nursery:
    """One such process at a time, started when it is first needed and again when it is gone."""

    root: Path
    """Where the attempts are: told in its arguments, for people who look at the processes."""
    _lock: Lock = field(default_factory=Lock)
    _channel: socket.socket | None = None
    _pid: int = 0

    def start(self, directory: Path, secrets: int) -> Handle:
        """A new shim for a directory; OSError when none could be started, NurseryLostError when that is not known."""
        with self._lock:
            channel = self._asked(directory, secrets)
            try:
                answer = channel.recv(LONGEST_ANSWER)
            except OSError:
                answer = b""
            if not answer:
                self._drop()
                raise NurseryLostError(f"no answer about {directory}")
        pid, _, number = answer.decode().partition(" ")
        if pid == "0":
            raise OSError(int(number), os.strerror(int(number)))
        return Handle(int(pid), int(number), process_table.boot_id())

    def open(self) -> None:
        """Start the process now, so that the first attempt need not wait for it."""
        with self._lock:
            if self._channel is None:
                self._open()

    def close(self) -> None:
        """Let the process end; the shims live on."""
        with self._lock:
            self._drop()

    def __del__(self) -> None:
        """Whoever drops it without closing it leaves no process behind."""
        self._drop()

    def _asked(self, directory: Path, secrets: int) -> socket.socket:
        """The channel, once the request is on it; a nursery that was gone before it could read is replaced."""
        request = [os.fsencode(directory)]
        for _ in range(2):
            channel = self._channel or self._open()
            try:
                socket.send_fds(channel, request, [secrets])
            except OSError:
                self._drop()
            else:
                return channel
        raise OSError("no shim can be started")

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", str(SHIM_PROGRAM), "--nursery", str(self.root)],
                {},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
            )
        ours.settimeout(ANSWER_SECONDS)
        self._channel = ours
        return ours

    def _drop(self) -> None:
        if self._channel is None:
            return
        self._channel.close()
        self._channel = None
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
