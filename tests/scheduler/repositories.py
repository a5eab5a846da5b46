"""Bare repositories for tests, and stock git as a person would use it."""

import os
import subprocess
from pathlib import Path

PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments],
        env=PLAIN,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "a step") -> str:
    """Commit everything in a work tree, ignored or not."""
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


class Origin:
    """A bare repository and the work tree it is filled from."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.tree = folder / "origin.git", folder / "tree"
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(self.tree))

    def seed(self, **files: str) -> str:
        """The new tip of main; a name's double underscores stand for slashes, single ones for dots."""
        for name, text in files.items():
            path = self.tree / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.push()

    def push(self) -> str:
        sha = commit(self.tree)
        git(self.tree, "push", "--quiet", "origin", "HEAD:main")
        return sha

    def tip(self, branch: str) -> str:
        return git(self.bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def listing(self, revision: str) -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", revision).splitlines()

    def text(self, revision: str, path: str) -> str:
        return git(self.bare, "show", f"{revision}:{path}")
