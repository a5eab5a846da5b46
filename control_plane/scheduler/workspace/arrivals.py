"""Commits that an attempt on another machine has pushed to a branch of its own."""

from pathlib import Path

from control_plane.scheduler.workspace.errors import WorkspaceError
from control_plane.scheduler.workspace.git import git
from control_plane.scheduler.workspace.results import tip


def accept(repo: Path, arrived: str, branch: str, commit: str) -> None:
    """Put the commit that stands on one branch on another, from where that stood; WorkspaceError if it is not there."""
    if tip(repo, arrived) != commit:
        raise WorkspaceError("the commit it speaks of has not arrived")
    git(f"--git-dir={repo}", "update-ref", f"refs/heads/{branch}", commit, tip(repo, branch))


def drop(repo: Path, arrived: str) -> None:
    """Remove a branch, if there is one."""
    if repo.is_dir():
        git(f"--git-dir={repo}", "update-ref", "-d", f"refs/heads/{arrived}")
