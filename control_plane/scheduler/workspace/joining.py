"""Makes what an attempt published descend from every commit that its idea builds on."""

from collections.abc import Sequence
from pathlib import Path

from control_plane.scheduler.workspace.git import git
from control_plane.scheduler.workspace.surroundings import signature


def join(repo: Path, branch: str, commit: str, parents: Sequence[str], author: str) -> str:
    """The commit that a branch stands on; or one upon it, with the same files, that has the missing parents too.

    Whoever merges by themselves misses none. A parent that the repository does not have is a WorkspaceError.
    """
    missing = [parent for parent in dict.fromkeys(parents) if not _is_ancestor(repo, parent, commit)]
    if not missing:
        return commit
    named = [word for parent in (commit, *missing) for word in ("-p", parent)]
    message = "Join what this builds on\n"
    made = git(f"--git-dir={repo}", "commit-tree", f"{commit}^{{tree}}", *named, "-m", message, env=signature(author))
    git(f"--git-dir={repo}", "update-ref", f"refs/heads/{branch}", made.strip(), commit)
    return made.strip()


def _is_ancestor(repo: Path, parent: str, commit: str) -> bool:
    """Whether a commit has another among its ancestors."""
    left_out = git(f"--git-dir={repo}", "rev-list", "--max-count=1", parent, f"^{commit}")
    return not left_out.strip()
