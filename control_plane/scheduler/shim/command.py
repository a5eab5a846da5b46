"""Starts the command: in a session of its own, tied to the shim's life, inheriting only what it was given."""

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from control_plane.scheduler.shim.cgroup import Cgroup

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
#: What Python or the shim changed, and the command must find as the system has it.
RESTORED = tuple(number for number in signal.Signals if number not in {signal.SIGKILL, signal.SIGSTOP})
"""Whatever whoever started the server had it ignore is not ignored by the command."""


class Given(NamedTuple):
    """What the command finds: its environment, its three streams, and the group it is born in."""

    env: dict[str, str]
    streams: tuple[int, int, int]
    cgroup: Cgroup | None = None


def start(launch: dict[str, Any], given: Given, announce: Callable[[int], None]) -> int:
    """The pid of the command, which runs nothing before it is announced.

    What goes wrong in the child before or at its exec is raised here, as OSError.
    """
    reader, writer = os.pipe()
    gate, opener = os.pipe()
    shim = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _tie_to(shim)
            if given.cgroup:
                given.cgroup.join()
            os.read(gate, 1)
            _become(launch, given)
        except OSError as error:
            os.write(writer, f"{error.errno} {error.strerror}: {error.filename or launch['argv'][0]}".encode())
        finally:
            os._exit(127)
    announce(pid)
    os.write(opener, b"!")
    for descriptor in (writer, gate, opener):
        os.close(descriptor)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as report:
        failure = report.read()  # empty when the exec closed the other end
    if failure:
        os.waitpid(pid, 0)
        number, _, reason = failure.partition(" ")
        raise OSError(int(number), reason)
    return pid


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _tie_to(shim: int) -> None:
    """Lead a session of its own, and die with the shim."""
    for number in RESTORED:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != shim:  # it ended before the line above could tie the two
        os._exit(127)


def _become(launch: dict[str, Any], given: Given) -> None:
    for target, stream in enumerate(given.streams):
        os.dup2(stream, target)
    os.nice(launch["nice"])
    os.chdir(launch["cwd"])
    os.execvpe(launch["argv"][0], launch["argv"], given.env)  # noqa: S606 - to run what a job names is the purpose


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
