"""Bringing a clone up to date, over the network: one console at a time, where several have one directory."""

import base64
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from web_ui.git_process import Git

FETCH_SECONDS = 60
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/cleaned/*:refs/cleaned/*")
"""Every branch, also those that were cleaned up: pages show what variants were, for good."""


def around(branches: Sequence[str]) -> tuple[str, ...]:
    """The branches in the folders of these, which end in a slash if they are folders themselves, and all below."""
    folders = sorted({name.rpartition("/")[0] for name in branches})
    return tuple(f"+refs/heads/{folder}/*:refs/heads/{folder}/*" for folder in folders) if all(folders) else EVERYTHING


def alone(commits: Sequence[str]) -> tuple[str, ...]:
    """These commits and what they reach, under names that keep them; any server of git's protocol v2 gives them so."""
    return tuple(f"+{sha}:refs/kept/{sha}" for sha in commits)


def fetch(git: Git, path: Path, url: str, credential: str, wanted: Sequence[str] = EVERYTHING) -> bool:
    """Whether what is wanted of a mirror could be brought up to date; it is made first when it is not there.

    No credential is none.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    header = f"http.{url}.extraHeader"
    basic = base64.b64encode(credential.encode()).decode()
    with _turn(path):
        if not (path / "HEAD").exists():
            git.run(path, ["init", "--quiet", "--bare", "--template=", "."], seconds=FETCH_SECONDS)
        ended = git.run(
            path,
            ["fetch", "--quiet", "--prune", "--no-tags", url, *wanted],
            seconds=FETCH_SECONDS,
            secrets={header: f"Authorization: Basic {basic}"} if credential else None,
        )
    return ended.status == 0


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """No other console on the same directory fetches meanwhile: git fails where two change one branch."""
    with (path / "fetching").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
