"""The console's clones: one bare mirror per experiment, fetched when something is asked for that it lacks.

Objects and branches are read through GitPython; what else git must do runs as a process of its own. Either way git has
the environment of `git_process.py`. The credential travels in that of the one fetch, never in argv and never to disk.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from git import BadName, BadObject, InvalidGitRepositoryError, NoSuchPathError, Repo

from store_client import Bearer, Unavailable
from web_ui.git_fetch import EVERYTHING, alone, around, fetch
from web_ui.git_process import Git
from web_ui.readings import Readings

T = TypeVar("T")
FETCHES_AT_ONCE = 16
"""Threads for them alone: repositories that do not answer take none from whoever reads what is here already."""
DIFF_SECONDS = 10
MAX_DIFF_BYTES = 200_000
MAX_LIST_BYTES = 500_000
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
MOST_PUSHES = 100
TIP = "%(refname:lstrip=2)%00%(objectname)%00%(committerdate:unix)%00%(subject)"
COMPARE = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--submodule=short")


@dataclass(frozen=True)
class Change:
    """One changed file; counts are absent for binary files."""

    path: str
    added: int | None
    removed: int | None
    renamed_from: str | None = None


@dataclass(frozen=True)
class Diff:
    """What changed between two commits, as far as it is shown."""

    changes: tuple[Change, ...]
    text: str
    is_cut: bool


@dataclass(frozen=True)
class Push:
    """A commit at the tip of a work branch."""

    branch: str
    commit_sha: str
    subject: str
    committed_at: int


@dataclass(frozen=True)
class Preflight:
    """What a commit is, before it is submitted."""

    is_there: bool
    descends: bool = False
    changes_something: bool = False
    changes: tuple[Change, ...] = ()


@dataclass
class Turn:
    """One fetch of a clone at a time, and none for whoever asked before the last one of the same began."""

    threads: ThreadPoolExecutor
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    began_at: dict[tuple[str, ...], float] = field(default_factory=dict)


@dataclass
class Clone:
    """One experiment's mirror, as one operator fetches it."""

    path: Path
    url: str
    bearer: Bearer | None
    turn: Turn
    git: Git
    known: Readings[tuple[Change, ...]] = field(default_factory=Readings)

    async def changed(self, before: str, after: str) -> tuple[Change, ...] | None:
        """The files that one commit changed of another, for pages that wait for no repository; None while unknown."""

        async def read() -> tuple[Change, ...] | None:
            return await self.look([before, after], lambda git, path: _changes(git, path, (before, after))[0])

        return await self.known.of((self.path, before, after), read)

    async def diff(self, before: str, after: str) -> Diff | None:
        """What changed from one commit to another; None when a commit is nowhere to be found."""
        return await self.look([before, after], lambda git, path: diff(git, path, (before, after)))

    async def look(self, commits: Sequence[str], read: Callable[[Git, Path], T]) -> T | None:
        """What a reading of these commits finds, in a thread; None when one of them is nowhere to be found."""
        return await self._with(commits, lambda: read(self.git, self.path))

    async def preflight(self, commit: str, parents: Sequence[str]) -> Preflight:
        """Whether a commit is there, descends from all parents and differs from at least one."""
        checked = await self._with([commit, *parents], lambda: _preflight(self.git, self.path, commit, parents))
        return checked or Preflight(is_there=False)

    async def pushes(self, *below: str) -> tuple[Push, ...]:
        """The tips of the newest work branches below some names, or called so, the newest first, as of now."""
        await self._fetch(around(below))
        return await asyncio.to_thread(_pushes, self.git, self.path, below)

    async def _with(self, commits: Sequence[str], read: Callable[[], T]) -> T | None:
        """Read what needs these commits, fetched first when one is missing; None when it is still missing then.

        They are asked for by their ids, which takes no longer for more branches; what is not given so comes with all.
        """
        if not all(COMMIT.fullmatch(sha) for sha in commits):
            return None
        if await self._lacks(commits):
            await self._bring(commits)
            if await self._lacks(commits):
                await self._fetch()
                if await self._lacks(commits):
                    return None
        return await asyncio.to_thread(read)

    async def _lacks(self, commits: Sequence[str]) -> Sequence[str]:
        return await asyncio.to_thread(_missing, self.git, self.path, commits)

    async def _bring(self, commits: Sequence[str]) -> None:
        """Have these commits, if they are given by their ids and nobody has brought them meanwhile."""
        async with self.turn.lock:
            if missing := await self._lacks(commits):
                await self._fetched(alone(missing))

    async def _fetch(self, wanted: tuple[str, ...] = EVERYTHING) -> None:
        """Have all of this that was there when it was asked for."""
        asked_at = asyncio.get_running_loop().time()
        async with self.turn.lock:
            if max(self.turn.began_at.get(each, 0.0) for each in (wanted, EVERYTHING)) > asked_at:
                return
            began_at = asyncio.get_running_loop().time()
            if not (await self._fetched(wanted) or await self._fetched(wanted, is_again=True)):
                raise Unavailable("the experiment's repository could not be fetched")
            self.turn.began_at[wanted] = began_at

    async def _fetched(self, wanted: tuple[str, ...], *, is_again: bool = False) -> bool:
        """Whether a fetch went through; the second time with a new credential, if there is one."""
        if self.bearer is None:
            return not is_again and await self._fetched_with("", wanted)
        credential = await self.bearer.current()
        if is_again:
            if not await self.bearer.replace(credential):
                return False
            credential = await self.bearer.current()
        return await self._fetched_with(credential, wanted)

    async def _fetched_with(self, credential: str, wanted: tuple[str, ...]) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.turn.threads, fetch, self.git, self.path, self.url, credential, wanted)


@dataclass
class Clones:
    """Every clone of this console, below one folder; one of each is fetched at a time.

    In the address of the repositories `{experiment_id}` stands for the id.
    """

    root: Path
    git_url: str
    address: str = "/git/{experiment_id}.git"
    git: Git = field(default_factory=Git)
    known: Readings[tuple[Change, ...]] = field(default_factory=Readings)
    _turns: dict[str, Turn] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(FETCHES_AT_ONCE, "fetch"))

    def of(self, experiment_id: str, bearer: Bearer | None = None) -> Clone:
        """The clone of an experiment; a repository of somebody else's is asked without a credential."""
        turn = self._turns.setdefault(experiment_id, Turn(self._threads))
        url = self.git_url + self.address.replace("{experiment_id}", experiment_id)
        return Clone(self.root / f"{experiment_id}.git", url, bearer, turn, self.git, self.known)


@contextmanager
def _opened(git: Git, path: Path) -> Iterator[Repo]:
    """A repository to read objects and branches of; its git ends with the block."""
    with Repo(path) as repo:
        repo.git.update_environment(**git.environment(path))
        yield repo


def _missing(git: Git, path: Path, commits: Sequence[str]) -> Sequence[str]:
    """Those that are not here."""
    try:
        with _opened(git, path) as repo:
            return [sha for sha in dict.fromkeys(commits) if not _is_commit(repo, sha)]
    except (InvalidGitRepositoryError, NoSuchPathError):
        return list(dict.fromkeys(commits))


def _is_commit(repo: Repo, sha: str) -> bool:
    try:
        return bool(repo.commit(sha).tree.hexsha)  # any forty digits name a commit until something of it is read
    except (BadName, BadObject, ValueError):
        return False


def diff(git: Git, path: Path, span: tuple[str, str], files: Sequence[str] = ()) -> Diff:
    """What changed from one commit to another, of all files or of some."""
    changes, is_partial = _changes(git, path, span, files)
    ended = git.run(path, _comparing(span, files), seconds=DIFF_SECONDS, most_bytes=MAX_DIFF_BYTES)
    is_cut = is_partial or ended.is_cut or ended.status != 0
    text = ended.output[: ended.output.rfind(b"\n") + 1] if is_cut else ended.output
    return Diff(changes, text.decode(errors="replace"), is_cut)


def _comparing(span: tuple[str, str], files: Sequence[str], *options: str) -> list[str]:
    """The command that compares two commits; paths are names, not patterns."""
    return ["--literal-pathspecs", *COMPARE, *options, *span, "--", *files]


def _changes(git: Git, path: Path, span: tuple[str, str], files: Sequence[str] = ()) -> tuple[tuple[Change, ...], bool]:
    """The changed files, and whether there are more of them than are listed."""
    argv = _comparing(span, files, "--numstat", "-z")
    ended = git.run(path, argv, seconds=DIFF_SECONDS, most_bytes=MAX_LIST_BYTES)
    *fields, _rest = ended.output.decode(errors="replace").split("\0")
    return tuple(_rows(fields)), ended.is_cut or ended.status != 0


def _rows(fields: Sequence[str]) -> Iterator[Change]:
    """`added removed path` each, or for a renamed file `added removed` and then two paths."""
    rest = iter(fields)
    for row in rest:
        added, _, tail = row.partition("\t")
        removed, _, path = tail.partition("\t")
        before = None if path else next(rest, "")
        yield Change(path or next(rest, ""), _count(added), _count(removed), before)


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _preflight(git: Git, path: Path, commit: str, parents: Sequence[str]) -> Preflight:
    with _opened(git, path) as repo:
        tree = repo.commit(commit).tree.hexsha
        changes_something = any(repo.commit(parent).tree.hexsha != tree for parent in parents)
    return Preflight(
        is_there=True,
        descends=all(_is_ancestor(git, path, parent, commit) for parent in parents),
        changes_something=changes_something,
        changes=_changes(git, path, (parents[0], commit))[0] if parents else (),
    )


def _is_ancestor(git: Git, path: Path, ancestor: str, commit: str) -> bool:
    argv = ["merge-base", "--is-ancestor", ancestor, commit]
    return git.run(path, argv, seconds=DIFF_SECONDS).status == 0


def merge_base(git: Git, path: Path, commits: Sequence[str]) -> str | None:
    """The newest commit that all of these descend from."""
    ended = git.run(path, ["merge-base", "--octopus", *commits], seconds=DIFF_SECONDS)
    found = ended.output.decode("ascii", errors="replace").strip()
    return found if ended.status == 0 and COMMIT.fullmatch(found) else None


def _pushes(git: Git, path: Path, below: Sequence[str]) -> tuple[Push, ...]:
    """The newest branches below each of these names, or called so."""
    found = {push.branch: push for name in below for push in _newest(git, path, name)}
    return tuple(sorted(found.values(), key=lambda push: -push.committed_at))


def _newest(git: Git, path: Path, below: str) -> Iterator[Push]:
    argv = ["for-each-ref", f"--count={MOST_PUSHES}", "--sort=-committerdate", f"--format={TIP}", f"refs/heads/{below}"]
    ended = git.run(path, argv, seconds=DIFF_SECONDS, most_bytes=MAX_LIST_BYTES)
    for line in ended.output.decode(errors="replace").split("\n"):
        name, _, rest = line.partition("\0")
        if rest.count("\0") == 2:
            commit, moment, subject = rest.split("\0")
            yield Push(name, commit, subject, int(moment))
