"""Whole repositories as single files: bundles out, and repositories made from bundles of unknown make."""

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from control_plane.repos import names
from control_plane.repos.loose import flush
from control_plane.repos.refusals import GitFailed, GitTimedOut
from control_plane.repos.vend import CONFIG, Repositories
from store_client.errors import CheckpointInvalid, ExperimentIdConflict

LIMIT_SECONDS = 1800.0
CHUNK_BYTES = 1024 * 1024
CHECKED = ("-c", "transfer.fsckObjects=true", "-c", "fetch.unpackLimit=1")
"""Every object is looked at on its way in, and they stay together in one pack."""


@dataclass(frozen=True)
class Bundled:
    """A repository made from a bundle, still aside."""

    repositories: Repositories
    experiment_id: str
    path: Path
    branches: Mapping[str, str]

    def missing(self, commits: Collection[str]) -> set[str]:
        """Which of these commits no ref reaches."""
        wanted = set(commits)
        if not wanted:
            return set()
        with self.repositories.git.reading(self.path, "rev-list", "--all") as reached:
            for line in reached:
                wanted.discard(line.decode().strip())
        return wanted

    def publish(self) -> None:
        """Let it be the experiment's repository, durably."""
        for path in (*self.path.rglob("*"), self.path):
            flush(path)
        self.path.rename(self.repositories.path(self.experiment_id))
        flush(self.repositories.root)


@dataclass(frozen=True)
class Bundles:
    """The bundles of the repositories below one folder."""

    repositories: Repositories

    def write(self, experiment_id: str, file: IO[bytes]) -> None:
        """Append a bundle of everything that the refs reach; nothing when there is no repository or no ref."""
        path = self.repositories.path(experiment_id)
        if path.is_dir() and self.repositories.git.run(path, "for-each-ref", "--count=1"):
            file.flush()
            self._git(path, ("bundle", "create", "--quiet", "-", "--all"), file)

    @contextmanager
    def unpack(self, experiment_id: str, bundle: IO[bytes]) -> Iterator[Bundled]:
        """The repository in a bundle, gone again at the end unless it was published."""
        target = self.repositories.path(experiment_id)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=self.repositories.root) as folder:
            copy, made = Path(folder) / "bundle", Path(folder) / "new"
            with copy.open("wb") as file:
                shutil.copyfileobj(bundle, file, CHUNK_BYTES)
            try:
                self._unbundle(copy, made)
                yield Bundled(self.repositories, experiment_id, made, self._branches(made))
            except GitTimedOut:
                raise
            except GitFailed as error:
                raise CheckpointInvalid(f"repo.bundle: {error}") from error

    def must_be_vacant(self, experiment_id: str) -> None:
        """ExperimentIdConflict when the experiment has a repository."""
        if self.repositories.path(experiment_id).exists():
            raise ExperimentIdConflict(f"there is a repository of {experiment_id} already")

    def remove(self, experiment_id: str) -> None:
        """Delete the repository of an experiment that did not come to be."""
        self.repositories.remove(experiment_id)

    def tidy(self, experiment_id: str) -> None:
        """Delete what an unpacking that was cut off left behind."""
        for leftover in self.repositories.root.glob(f".{names.experiment(experiment_id)}.git.*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _unbundle(self, bundle: Path, made: Path) -> None:
        """A bare repository with exactly the bundle's refs."""
        made.mkdir()
        git = self.repositories.git
        git.run(made, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-head-ok", str(bundle))
        self._git(made, (*CHECKED, *fetch, "+refs/*:refs/*"), None)
        git.run(made, "pack-refs", "--all")
        with (made / "config").open("a", encoding="utf-8") as config:
            config.write(CONFIG)

    def _branches(self, made: Path) -> Mapping[str, str]:
        """Every branch by its short name."""
        listed = self.repositories.git.run(made, "for-each-ref", "--format=%(objectname) %(refname)", names.BRANCHES)
        pairs = (line.split(" ", 1) for line in listed.decode(errors="replace").splitlines())
        return {name.removeprefix(names.BRANCHES): sha for sha, name in pairs}

    def _git(self, path: Path, argv: tuple[str, ...], output: IO[bytes] | None) -> None:
        git = self.repositories.git
        try:
            subprocess.run(
                [git.program, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output if output is not None else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=LIMIT_SECONDS,
                env=git.environment() | {"GIT_DIR": str(path)},
                cwd=path,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise GitTimedOut(argv[0], LIMIT_SECONDS) from error
        except subprocess.CalledProcessError as error:
            raise GitFailed(argv[0], error.stderr.decode(errors="replace").strip()[-1000:]) from error
