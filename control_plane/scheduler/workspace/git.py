"""Runs git as a program: no hooks, no configuration but the repository's own, no network, no questions, and an end."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from control_plane.scheduler.workspace.errors import WorkspaceError

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
NO_VARIABLES: Mapping[str, str] = {}


def git(*arguments: str | Path, env: Mapping[str, str] = NO_VARIABLES, stdin: bytes = b"", good: int = 0) -> str:
    """What git prints; WorkspaceError when it takes too long or ends with a code above the good ones."""
    settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
    command = ["git", *settings, *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            env={**_surroundings(), **env},
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkspaceError(f"git {arguments[0]} did not end within {TIMEOUT_SECONDS} s") from error
    if not 0 <= done.returncode <= good:
        raise WorkspaceError(
            done.stderr.decode(errors="replace").strip()[-2000:] or f"git ended with {done.returncode}"
        )
    return os.fsdecode(done.stdout)


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
