"""Runs a program that ends with its parent: `python tied.py PARENT_PID PROGRAM ARGUMENT…`.

A process of its own between fork and exec, because running Python code there, in a process that may have threads, can
hang. It imports next to nothing.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit("this system cannot tie a process to its parent")
    if os.getppid() != parent:  # it ended before the line above could take effect
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - to run what it is given is its purpose


if __name__ == "__main__":
    main()
