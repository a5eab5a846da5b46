"""Git as this wing uses it: processes with a time limit and an environment of ours alone, objects through GitPython."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from git import GitCmdObjectDB, Repo

from control_plane.repos.refusals import GitFailed, GitTimedOut, RepositoryRefused

INTEGRATOR_NAME, INTEGRATOR_EMAIL = "Switchyard", "switchyard@localhost"
TIMEOUT_SECONDS = 60.0
KEPT_OPEN = 4

# What a push or an integration acknowledged must survive a power cut; hooks are nobody's to bring.
# Who removes a branch waits while the branches are packed.
SETTINGS = (
    ("core.fsync", "all"),
    ("core.hooksPath", os.devnull),
    ("core.packedRefsTimeout", "10000"),
    ("gc.auto", "0"),
    ("receive.autogc", "false"),
)


def configured(*settings: tuple[str, str]) -> dict[str, str]:
    """The variables that give git these settings for one process, after the fixed ones."""
    pairs = (*SETTINGS, *settings)
    variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


@dataclass(frozen=True, slots=True)
class Git:
    """`git` with an empty home; the program is looked up once."""

    home: Path
    program: str = field(default_factory=lambda: shutil.which("git") or "git")

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join((str(Path(self.program).parent), os.defpath)),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": INTEGRATOR_NAME,
            "GIT_AUTHOR_EMAIL": INTEGRATOR_EMAIL,
            "GIT_COMMITTER_NAME": INTEGRATOR_NAME,
            "GIT_COMMITTER_EMAIL": INTEGRATOR_EMAIL,
            **configured(),
        }

    def run(
        self, repository: Path, *argv: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> bytes:
        """What `git argv` prints; GitFailed when it ends otherwise than with 0."""
        try:
            done = subprocess.run(
                [self.program, *argv],
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                env=self.environment() | {"GIT_DIR": str(repository)} | dict(variables or {}),
                cwd=(variables or {}).get("GIT_WORK_TREE", repository),
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise GitTimedOut(argv[0], TIMEOUT_SECONDS) from error
        except subprocess.CalledProcessError as error:
            raise GitFailed(argv[0], error.stderr.decode(errors="replace").strip()[-2000:]) from error
        except OSError as error:
            raise GitFailed(argv[0], str(error)) from error
        return done.stdout

    @contextmanager
    def reading(self, repository: Path, *argv: str, stdin: bytes = b"") -> Iterator[IO[bytes]]:
        """The output of a running `git argv`, to read as far as wanted; GitFailed when it ends badly before that."""
        with subprocess.Popen(
            [self.program, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment() | {"GIT_DIR": str(repository)},
            cwd=repository,
        ) as process:
            limit = threading.Timer(TIMEOUT_SECONDS, process.kill)
            limit.start()
            try:
                yield _asked(process, stdin)
                _check_end(process, argv[0])
            finally:
                limit.cancel()
                process.kill()


class Objects:
    """One repository's objects, read through one lasting `cat-file`; for one thread at a time."""

    def __init__(self, path: Path, git: Git) -> None:
        self.path = path
        self._repo = Repo(path, odbt=GitCmdObjectDB)
        self._repo.git.update_environment(
            **git.environment(), GIT_DIR=str(path), GIT_OBJECT_DIRECTORY=str(path / "objects")
        )

    def read(self, name: str, kind: bytes) -> bytes | None:
        """The object's bytes; None when there is none of that kind."""
        try:
            _, found, size, stream = self._repo.git.stream_object_data(name)
        except ValueError:
            self._check_alive()
            return None
        except OSError as error:
            raise GitFailed("cat-file", str(error)) from error
        data: bytes = stream.read(size)
        return data if found in (kind, kind.decode()) else None  # annotated as text, answered as bytes

    def _check_alive(self) -> None:
        """A missing object and a dead process look alike to GitPython."""
        process = self._repo.git.cat_file_all
        if process is None or process.proc.poll() is not None:
            raise GitFailed("cat-file", "ended on its own")

    def close(self) -> None:
        self._repo.close()


class Shelf:
    """Open repositories kept for the next reader: at most a few, because each holds a process."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._idle: list[Objects] = []

    @contextmanager
    def open(self, path: Path) -> Iterator[Objects]:
        objects, is_sound = self._take(path) or Objects(path, self._git), False
        try:
            yield objects
            is_sound = True
        except RepositoryRefused:
            is_sound = True
            raise
        finally:
            # A reader interrupted in the middle of an object would answer the next question with the rest of it.
            self._keep(objects) if is_sound else objects.close()

    def forget(self, path: Path | None = None) -> None:
        """Close what is idle: of one repository, or of all."""
        with self._lock:
            gone = [objects for objects in self._idle if path in (None, objects.path)]
            self._idle = [objects for objects in self._idle if objects not in gone]
        for objects in gone:
            objects.close()

    def _take(self, path: Path) -> Objects | None:
        with self._lock:
            found = next((objects for objects in self._idle if objects.path == path), None)
            if found:
                self._idle.remove(found)
            return found

    def _keep(self, objects: Objects) -> None:
        with self._lock:
            self._idle.append(objects)
            surplus: Sequence[Objects] = self._idle[:-KEPT_OPEN]
            del self._idle[:-KEPT_OPEN]
        for gone in surplus:
            gone.close()


def _asked(process: subprocess.Popen[bytes], stdin: bytes) -> IO[bytes]:
    question, output = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    with suppress(BrokenPipeError):
        question.write(stdin)
        question.close()
    return output


def _check_end(process: subprocess.Popen[bytes], command: str) -> None:
    """Whoever read everything wants to know whether that was everything."""
    is_read_out = not cast("IO[bytes]", process.stdout).read(1)
    if is_read_out and process.wait():
        raise GitFailed(command, f"ended with {process.returncode}")
