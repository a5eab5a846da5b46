"""Bringing a clone up to date, over the network: one console at a time, where several have one directory."""

import base64
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web_ui.git_process import Git

FETCH_SECONDS = 60
FETCHED = ("+refs/heads/*:refs/heads/*", "+refs/cleaned/*:refs/cleaned/*")
"""Every branch, also those that were cleaned up: pages show what variants were, for good."""


def fetch(git: Git, path: Path, url: str, credential: str) -> bool:
    """Whether a mirror could be brought up to date; it is made first when it is not there. No credential is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    header = f"http.{url}.extraHeader"
    basic = base64.b64encode(credential.encode()).decode()
    with _alone(path):
        if not (path / "HEAD").exists():
            git.run(path, ["init", "--quiet", "--bare", "--template=", "."], seconds=FETCH_SECONDS)
        ended = git.run(
            path,
            ["fetch", "--quiet", "--prune", "--no-tags", url, *FETCHED],
            seconds=FETCH_SECONDS,
            secrets={header: f"Authorization: Basic {basic}"} if credential else None,
        )
    return ended.status == 0


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other console on the same directory fetches meanwhile: git fails where two change one branch."""
    with (path / "fetching").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
