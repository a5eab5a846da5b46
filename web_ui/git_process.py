"""Git processes of the console: an environment of ours alone, a time limit, and no more output than is asked for."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

FIXED = {
    "HOME": os.devnull,
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_TRACE": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
# Whatever stands in a repository's own config, nothing of it is run, and a credential goes to no other place.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.bigFileThreshold": "4m",
    "core.quotePath": "false",
    "credential.helper": "",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "20",
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
}


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status, and its output as far as it was read."""

    status: int
    output: bytes
    is_cut: bool


@dataclass(frozen=True)
class Git:
    """`git`; the program is looked up once. It speaks to other repositories in the named protocols alone."""

    program: str = field(default_factory=lambda: shutil.which("git") or "git")
    protocols: str = "http:https"

    def run(
        self,
        repository: Path,
        argv: Sequence[str],
        *,
        seconds: float,
        most_bytes: int = 1_000_000,
        secrets: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run `git argv` in a repository until it ends, says more than is wanted, or takes too long.

        `secrets` are settings that only this process sees, in its environment.
        """
        environment = self.environment(repository, secrets)
        with _started([self.program, *argv], repository, environment) as process, _limited(process, seconds):
            assert process.stdout is not None  # noqa: S101 - it was asked for
            output = process.stdout.read(most_bytes + 1)
            if len(output) > most_bytes:
                _end(process)
            return Ended(process.wait(), output[:most_bytes], len(output) > most_bytes)

    def environment(self, repository: Path, secrets: Mapping[str, str] | None = None) -> dict[str, str]:
        """Every variable that a git of ours has; those that could lead it elsewhere are named, and harmless."""
        settings = SETTINGS | dict(secrets or {})
        variables = {
            **FIXED,
            "GIT_ALLOW_PROTOCOL": self.protocols,
            "PATH": os.pathsep.join((str(Path(self.program).parent), os.defpath)),
            "GIT_DIR": str(repository),
            "GIT_COMMON_DIR": str(repository),
            "GIT_OBJECT_DIRECTORY": str(repository / "objects"),
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return variables


@contextmanager
def _started(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, since git's transport is a child of git; nothing of it is left afterwards."""
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with process:
            try:
                yield process
            finally:
                _end(process)
    finally:
        process.wait()


@contextmanager
def _limited(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    limit = threading.Timer(seconds, _end, [process])
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
