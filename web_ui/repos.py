"""The console's clones: one bare mirror per experiment, fetched when something is asked for that it lacks.

The only file of the console that knows git. The credential travels in the environment of the one fetch, never in argv.
"""

import asyncio
import base64
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from git import BadName, Commit, Repo

from store_client import Bearer, Unavailable

T = TypeVar("T")
FETCH_SECONDS = 60
MAX_DIFF_BYTES = 200_000


@dataclass(frozen=True)
class Change:
    """One changed file; counts are absent for binary files."""

    path: str
    added: int | None
    removed: int | None


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
class Clone:
    """One experiment's mirror, as one operator fetches it."""

    path: Path
    url: str
    bearer: Bearer
    lock: asyncio.Lock

    async def diff(self, before: str, after: str) -> Diff | None:
        """What changed from one commit to another; None when a commit is nowhere to be found."""
        return await self._with([before, after], lambda repo: _diff(repo, before, after))

    async def preflight(self, commit: str, parents: Sequence[str]) -> Preflight:
        """Whether a commit is there, descends from all parents and differs from at least one."""
        checked = await self._with([commit, *parents], lambda repo: _preflight(repo, commit, parents))
        return checked or Preflight(is_there=False)

    async def pushes(self, prefix: str) -> tuple[Push, ...]:
        """The tips of the work branches below a prefix, newest first, as of now."""
        async with self.lock:
            await self._fetch()
            return await asyncio.to_thread(_pushes, self.path, prefix)

    async def _with(self, commits: Sequence[str], read: Callable[[Repo], T]) -> T | None:
        async with self.lock:
            if not await asyncio.to_thread(_has, self.path, commits):
                await self._fetch()
                if not await asyncio.to_thread(_has, self.path, commits):
                    return None
            return await asyncio.to_thread(_reading, self.path, read)

    async def _fetch(self) -> None:
        credential = await self.bearer.current()
        await asyncio.to_thread(fetch, self.path, self.url, credential)


@dataclass
class Clones:
    """Every clone of this console, below one folder."""

    root: Path
    git_url: str
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def of(self, experiment_id: str, bearer: Bearer) -> Clone:
        lock = self._locks.setdefault(experiment_id, asyncio.Lock())
        return Clone(self.root / f"{experiment_id}.git", f"{self.git_url}/git/{experiment_id}.git", bearer, lock)


def fetch(path: Path, url: str, credential: str) -> None:
    """Bring a mirror up to date, making it first when it is not there."""
    if not (path / "HEAD").exists():
        path.mkdir(parents=True, exist_ok=True)
        _git(path, {}, "init", "--quiet", "--bare", "--template=", ".")
    basic = base64.b64encode(credential.encode()).decode()
    secret = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
    _git(path, secret, "fetch", "--quiet", "--prune", "--no-tags", url, "+refs/heads/*:refs/heads/*")


def _git(path: Path, extra: Mapping[str, str], *argv: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.defpath + ":/usr/local/bin",
            "HOME": home,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            **extra,
        }
        try:
            subprocess.run(
                ["git", *argv], cwd=path, env=environment, check=True, capture_output=True, timeout=FETCH_SECONDS
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Unavailable("the experiment's repository could not be fetched") from error


def _has(path: Path, commits: Sequence[str]) -> bool:
    if not (path / "HEAD").exists():
        return False
    with Repo(path) as repo:
        return all(_commit(repo, sha) is not None for sha in commits)


def _commit(repo: Repo, sha: str) -> Commit | None:
    try:
        return repo.commit(sha)
    except (BadName, ValueError):
        return None


def _reading(path: Path, read: Callable[[Repo], T]) -> T:
    with Repo(path) as repo:
        return read(repo)


def _diff(repo: Repo, before: str, after: str) -> Diff:
    text = str(repo.git.diff("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", before, after, "--"))
    return Diff(_changes(repo, before, after), text[:MAX_DIFF_BYTES], len(text) > MAX_DIFF_BYTES)


def _changes(repo: Repo, before: str, after: str) -> tuple[Change, ...]:
    rows = str(repo.git.diff("--numstat", "--no-ext-diff", "--no-textconv", before, after, "--")).splitlines()
    return tuple(Change(path, _count(added), _count(removed)) for added, removed, path in _fields(rows))


def _fields(rows: Sequence[str]) -> list[tuple[str, str, str]]:
    parts = (row.split("\t", 2) for row in rows)
    return [(part[0], part[1], part[2]) for part in parts if len(part) == 3]


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _preflight(repo: Repo, commit: str, parents: Sequence[str]) -> Preflight:
    tree = repo.commit(commit).tree.hexsha
    return Preflight(
        is_there=True,
        descends=all(repo.is_ancestor(repo.commit(parent), repo.commit(commit)) for parent in parents),
        changes_something=any(repo.commit(parent).tree.hexsha != tree for parent in parents),
        changes=_changes(repo, parents[0], commit) if parents else (),
    )


def _pushes(path: Path, prefix: str) -> tuple[Push, ...]:
    with Repo(path) as repo:
        heads = [head for head in repo.heads if head.name.startswith(prefix)]
        found = [
            Push(head.name, head.commit.hexsha, str(head.commit.summary), head.commit.committed_date) for head in heads
        ]
    return tuple(sorted(found, key=lambda push: -push.committed_at))
