"""One bare repository per experiment, made once from the experiment's directory."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from control_plane.repos import names
from control_plane.repos.git import Git, Objects, Shelf, configured
from control_plane.repos.hold import Hold, hold
from control_plane.repos.loose import flush
from control_plane.repos.ref_files import is_crowded
from control_plane.repos.refusals import GitFailed, RepositoryMissing, SeedRefused
from control_plane.repos.sources import LEFT_OUT, SeedLimits, inspect

MAIN = "refs/heads/main"
SHOWN = 40
"""So many paths of a directory are told."""
SEED_MESSAGE = b"The experiment as it was when it began\n"

# Read by every git that ever works here, ours or a job's, so that what it acknowledges lasts.
CONFIG = "[core]\n\tfsync = all\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n[uploadpack]\n\tallowFilter = true\n"


class Repositories:
    """The repositories below `root`; safe to use from many threads and processes."""

    def __init__(self, root: Path, limits: SeedLimits | None = None) -> None:
        self.root = root.resolve()
        self.git = Git(self.root / ".home")
        self.git.home.mkdir(parents=True, exist_ok=True)
        self._limits = limits or SeedLimits()
        self._shelf = Shelf(self.git)

    def path(self, experiment_id: str) -> Path:
        """Where the experiment's repository is or would be."""
        return self.root / f"{names.experiment(experiment_id)}.git"

    def existing(self, experiment_id: str) -> Path:
        path = self.path(experiment_id)
        if not path.is_dir():
            raise RepositoryMissing(experiment_id)
        return path

    def objects(self, experiment_id: str) -> AbstractContextManager[Objects]:
        return self._shelf.open(self.existing(experiment_id))

    def hold(self, experiment_id: str, *, waits: bool = False) -> Hold | None:
        """Be the only one, over all processes, who makes or removes this repository; None while somebody else is."""
        return hold(self.root / f".{names.experiment(experiment_id)}.making", waits=waits)

    def seed(self, experiment_id: str, source: Path, seeded_at: str) -> str:
        """Commit the directory's files to `main` of a new repository; the first commit's id, also when it is there.

        The same files and the same `seeded_at` (RFC 3339) give the same id.
        """
        target = self.path(experiment_id)
        with self._seeding():
            if not target.is_dir():
                self._make(target, lambda made: _Seed(self.git, made, source).commit(self._limits, seeded_at))
        return self.head(experiment_id)

    def copy(self, experiment_id: str, origin: str) -> str:
        """Begin a new repository with the first commit of another experiment's; the commit, also when it is there."""
        target, path = self.path(experiment_id), self.existing(origin)
        with self._seeding():
            if not target.is_dir():
                self._make(target, lambda made: _begin_as(self.git, made, path))
        return self.head(experiment_id)

    def look(self, source: Path) -> tuple[int, int, Sequence[str]]:
        """How many files of a directory a seed would take, how large they are, and the first of their paths."""
        with tempfile.TemporaryDirectory(prefix=".look.", dir=self.root) as folder:
            listed = _Seed(self.git, Path(folder) / "new", source).files(self._limits)
        names = [os.fsdecode(name) for name in listed.split(b"\0")[:-1]]
        return len(names), sum((source / name).lstat().st_size for name in names), sorted(names)[:SHOWN]

    def head(self, experiment_id: str) -> str:
        """The first commit: `main` never moves."""
        return self.git.run(self.existing(experiment_id), "rev-parse", "--verify", MAIN).decode().strip()

    def remove(self, experiment_id: str) -> None:
        """Delete the repository, or do nothing when there is none."""
        path = self.path(experiment_id)
        self._shelf.forget(path)
        if path.is_dir():
            doomed = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=self.root))
            path.rename(doomed / path.name)
            shutil.rmtree(doomed)

    def tidy(self, before: float) -> None:
        """Pack the branches, and delete what was cut off before that moment (seconds since 1970) and left behind.

        Both are safe while others read and write; thousands of branches are found faster afterwards.
        """
        for repository in self.root.glob("exp_*.git"):
            for leftover in (repository / "objects").glob("tmp_objdir-*"):
                if leftover.stat().st_mtime < before:
                    shutil.rmtree(leftover, ignore_errors=True)
            self._pack(repository, before)

    def pack(self, before: float, many: int) -> int:
        """Pack the branches where so many are loose; in how many repositories that was."""
        crowded = [one for one in self.root.glob("exp_*.git") if is_crowded(one, many)]
        for repository in crowded:
            self._pack(repository, before)
        return len(crowded)

    def _pack(self, repository: Path, before: float) -> None:
        """A packing that was cut off would keep every later one, and every removal, from its lock."""
        for name in ("packed-refs.lock", "packed-refs.new"):
            with suppress(FileNotFoundError):
                if (repository / name).stat().st_mtime < before:
                    (repository / name).unlink()
        with suppress(GitFailed):  # another process is packing them
            self.git.run(repository, "pack-refs", "--all", variables=configured(("core.packedRefsTimeout", "0")))

    def close(self) -> None:
        """End the processes kept for reading."""
        self._shelf.forget()

    def _make(self, target: Path, fill: Callable[[Path], None]) -> None:
        for leftover in self.root.glob(f".{target.name}.*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=self.root) as folder:
            made = Path(folder) / "new"
            fill(made)
            made.rename(target)
        flush(self.root)

    @contextmanager
    def _seeding(self) -> Iterator[None]:
        """One seeding at a time, over all processes; a crash lets go of it."""
        with (self.root / ".seeding").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class _Seed:
    """A repository in the making: nobody sees it before it is complete."""

    def __init__(self, git: Git, made: Path, source: Path) -> None:
        self._git, self._made, self._source = git, made, source.resolve()

    def commit(self, limits: SeedLimits, seeded_at: str) -> None:
        self._add(self.files(limits))
        self._git.run(self._made, "update-ref", MAIN, self._commit(seeded_at))
        _finish(self._git, self._made)

    def files(self, limits: SeedLimits) -> bytes:
        """The names of the files that are committed, each with a null character behind it."""
        if not self._source.is_dir():
            raise SeedRefused("", f"{self._source} is not a directory")
        _begin(self._git, self._made)
        self._write("info/exclude", "".join(f"{pattern}\n" for pattern in LEFT_OUT))
        place = {"GIT_WORK_TREE": str(self._source)}
        listed = self._git.run(self._made, "ls-files", "--others", "--exclude-standard", "-z", variables=place)
        inspect(self._source, listed.split(b"\0")[:-1], limits)
        return listed

    def _add(self, listed: bytes) -> None:
        place = {"GIT_WORK_TREE": str(self._source)}
        try:
            self._git.run(self._made, "update-index", "--add", "-z", "--stdin", stdin=listed, variables=place)
        except GitFailed as error:
            raise SeedRefused("", str(error)) from error

    def _commit(self, seeded_at: str) -> str:
        tree = self._git.run(self._made, "write-tree").decode().strip()
        date = f"{seconds(seeded_at)} +0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        return self._git.run(self._made, "commit-tree", tree, stdin=SEED_MESSAGE, variables=dates).decode().strip()

    def _write(self, name: str, text: str) -> None:
        path = self._made / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def _begin_as(git: Git, made: Path, origin: Path) -> None:
    """A repository that begins as another one did."""
    _begin(git, made)
    git.run(made, "fetch", "--quiet", "--no-tags", str(origin), f"{MAIN}:{MAIN}")
    _finish(git, made)


def _begin(git: Git, made: Path) -> None:
    made.mkdir()
    git.run(made, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")


def _finish(git: Git, made: Path) -> None:
    git.run(made, "repack", "-a", "-d", "-q")
    for name in ("index", "FETCH_HEAD"):
        (made / name).unlink(missing_ok=True)
    with (made / "config").open("a") as config:
        config.write(CONFIG)
    for path in made.rglob("*"):
        flush(path)
    flush(made)


def seconds(moment: str) -> int:
    """Whole seconds since 1970 of an RFC 3339 moment."""
    return int(datetime.fromisoformat(moment).timestamp())
