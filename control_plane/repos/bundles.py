"""Whole repositories as single files: bundles out, and repositories made from bundles of unknown make."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from control_plane.repos import names
from control_plane.repos.cleaning import ASIDE
from control_plane.repos.loose import flush
from control_plane.repos.refusals import GitFailed, GitTimedOut, MalformedName
from control_plane.repos.vend import CONFIG, Repositories
from store_client.errors import CheckpointInvalid, ExperimentIdConflict

LIMIT_SECONDS = 1800.0
CHUNK_BYTES = 1024 * 1024
MAX_LINE_BYTES, MAX_REFS = 4096, 1_000_000
SIGNATURES = (b"# v2 git bundle\n", b"# v3 git bundle\n")
CAPABILITIES = (b"@object-format=sha1\n",)


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
            if self.repositories.git.run(path, "for-each-ref", "--count=1", ASIDE):
                self._write_whole(path, file)
            else:
                self._git(path, ("bundle", "create", "--quiet", "-", "--all"), output=file)

    def _write_whole(self, path: Path, file: IO[bytes]) -> None:
        """The same with every branch that was put aside under the name that it had, where no other has it now."""
        with tempfile.TemporaryFile(dir=self.repositories.root) as bundle:
            self._git(path, ("bundle", "create", "--quiet", "-", "--all"), output=bundle)
            bundle.seek(0)
            head = list(iter(bundle.readline, b"\n"))
            here = {line.split(b" ", 1)[1] for line in head if b" refs/heads/" in line}
            for line in head:
                sha, _, ref = line.partition(b" ")
                back = names.WORK.encode() + ref.removeprefix(ASIDE.encode())
                is_aside = ref.startswith(ASIDE.encode())
                if not is_aside or back not in here:
                    file.write(sha + b" " + back if is_aside else line)
            file.write(b"\n")
            shutil.copyfileobj(bundle, file, CHUNK_BYTES)
            file.flush()

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
            except (GitFailed, MalformedName) as error:
                raise CheckpointInvalid(f"repo.bundle: {error}") from error

    @contextmanager
    def alone(self, experiment_id: str) -> Iterator[None]:
        """Be the only one, over all processes, who makes or removes the experiment's repository; waits for that."""
        held = self.repositories.hold(experiment_id, waits=True)
        try:
            yield
        finally:
            if held is not None:
                held.release()

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
        with bundle.open("rb") as file:
            refs = _read_refs(file)
            # What fetches a bundle looks at no object; this does, and follows every link.
            os.lseek(file.fileno(), file.tell(), os.SEEK_SET)
            self._git(made, ("index-pack", "--stdin", "--strict"), stdin=file)
        orders = "".join(f"create {ref}\0{sha}\0" for ref, sha in refs.items())
        git.run(made, "update-ref", "--stdin", "-z", stdin=orders.encode())
        git.run(made, "pack-refs", "--all")
        with (made / "config").open("a", encoding="utf-8") as config:
            config.write(CONFIG)

    def _branches(self, made: Path) -> Mapping[str, str]:
        """Every branch by its short name."""
        listed = self.repositories.git.run(made, "for-each-ref", "--format=%(objectname) %(refname)", names.BRANCHES)
        pairs = (line.split(" ", 1) for line in listed.decode(errors="replace").splitlines())
        return {name.removeprefix(names.BRANCHES): sha for sha, name in pairs}

    def _git(
        self, path: Path, argv: tuple[str, ...], stdin: IO[bytes] | None = None, output: IO[bytes] | None = None
    ) -> None:
        git = self.repositories.git
        try:
            subprocess.run(
                [git.program, *argv],
                stdin=stdin if stdin is not None else subprocess.DEVNULL,
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


def _read_refs(file: IO[bytes]) -> dict[str, str]:
    """The refs of a bundle, up to its pack; CheckpointInvalid for one that is not whole by itself."""
    if file.readline(MAX_LINE_BYTES) not in SIGNATURES:
        raise CheckpointInvalid("repo.bundle is no git bundle")
    refs: dict[str, str] = {}
    while (line := file.readline(MAX_LINE_BYTES)) != b"\n":
        if line.startswith((b"-", b"@")):
            _must_be_plain(line)
            continue
        sha, _, name = line.rstrip(b"\n").partition(b" ")
        if not name or not line.endswith(b"\n") or len(refs) >= MAX_REFS:
            raise CheckpointInvalid("repo.bundle has a header that cannot be read")
        if name != b"HEAD":
            refs[_ref(name)] = names.commit(sha.decode("ascii", "replace"))
    if not refs:
        raise CheckpointInvalid("repo.bundle has no refs")
    return refs


def _must_be_plain(line: bytes) -> None:
    if line.startswith(b"-"):
        raise CheckpointInvalid("repo.bundle needs commits that are not in it")
    if line not in CAPABILITIES:
        raise CheckpointInvalid(f"repo.bundle has {line[:60]!a}, which is not read here")


def _ref(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    if not text.startswith("refs/") or not names.is_ref(text) or name.decode("utf-8", "ignore") != text:
        raise CheckpointInvalid(f"repo.bundle has a ref {text[:100]!a}")
    return text
