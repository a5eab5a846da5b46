"""Runs git as a program: no hooks, no configuration but the repository's own, no network, no questions, and an end."""

import errno
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from control_plane.scheduler.workspace.errors import MachineFault, WorkspaceError

TIMEOUT_SECONDS = 600
#: What a repository's own configuration must not decide for us.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
    "fetch.fsckObjects": "true",
}
#: What git says when the machine, not what it was asked for, is in its way.
FAULTS = tuple(
    os.strerror(number)
    for number in (
        errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE
    )
)  # fmt: skip
#: Signals by which somebody ends git, as the kernel does when memory is short. At fault itself, it ends by others.
STOPPED = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM})
NO_VARIABLES: Mapping[str, str] = {}


def git(*arguments: str | Path, env: Mapping[str, str] = NO_VARIABLES, stdin: bytes = b"", good: int = 0) -> str:
    """What git prints; WorkspaceError when it takes too long or ends with a code above the good ones."""
    with _started(arguments, env) as process:
        return _outcome(process, arguments, stdin, good)


@contextmanager
def git_meanwhile(*arguments: str | Path, env: Mapping[str, str] = NO_VARIABLES) -> Iterator[None]:
    """Git runs during the block, and has ended well after it; when the block fails, git is stopped."""
    with _started(arguments, env) as process:
        is_wanted = False
        try:
            yield
            is_wanted = True
        finally:
            if not is_wanted:
                process.kill()
        _outcome(process, arguments, b"", 0)


def _started(arguments: tuple[str | Path, ...], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
    return subprocess.Popen(
        ["git", *settings, *map(str, arguments)],
        env={**_surroundings(), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _outcome(process: subprocess.Popen[bytes], arguments: tuple[str | Path, ...], stdin: bytes, good: int) -> str:
    try:
        out, err = process.communicate(stdin, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise WorkspaceError(f"git {arguments[0]} did not end within {TIMEOUT_SECONDS} s") from error
    if not 0 <= process.returncode <= good:
        said = err.decode(errors="replace").strip()[-2000:]
        is_stopped = -process.returncode in STOPPED
        kind = MachineFault if is_stopped or any(fault in said for fault in FAULTS) else WorkspaceError
        raise kind(said or f"git ended with {process.returncode}")
    return os.fsdecode(out)


def _surroundings() -> dict[str, str]:
    return {
        "PATH": os.pathsep.join(os.get_exec_path()),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
