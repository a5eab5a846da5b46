"""Forks a shim for each request: a process that has loaded the program already saves each attempt doing so.

Requests come on standard input, a socket of whole messages: the attempt's directory, and with it the descriptor of its
secrets. The new shim answers by itself with its pid and start time, so that it cannot be gone before it is known. The
nursery holds nothing of the attempts. It ends when the other end of the socket does; the shims live on.
"""

import os
import signal
import socket
import traceback
from pathlib import Path

from control_plane.scheduler.shim import records
from control_plane.scheduler.shim.attempt import run
from control_plane.scheduler.shim.process_table import look_up

LONGEST_REQUEST = 8192


def serve() -> None:
    """Answer requests until nobody is left who could make one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects the shims
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as channel:
        while True:
            request, descriptors, _, _ = socket.recv_fds(channel, LONGEST_REQUEST, 1)
            if not request:
                return
            _fork(channel, os.fsdecode(request), descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _fork(channel: socket.socket, directory: str, descriptors: list[int]) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        channel.send(f"0 {error.errno}".encode())
        return
    if pid == 0:
        code = 1
        try:
            _become_shim(channel, Path(directory), descriptors[0])
            code = 0
        finally:  # whatever it was, this process ends here and never returns into the nursery
            if code:
                traceback.print_exc()
            os._exit(code)


def _become_shim(channel: socket.socket, directory: Path, secrets: int) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    log = os.open(directory / records.SHIM_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, secrets), (1, log), (2, log)):
        os.dup2(source, target)
    own = look_up(os.getpid())
    channel.send(f"{os.getpid()} {own.start_ticks if own else 0}".encode())
    run(directory)
