"""Makes a workspace, and takes it away."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from control_plane.scheduler.workspace import beneath, clone
from control_plane.scheduler.workspace.errors import WorkspaceError
from control_plane.scheduler.workspace.git import git, git_meanwhile
from control_plane.scheduler.workspace.layout import PUBLISHING, SHA, Workspace


def prepare(directory: Path, repo: Path, commit: str, base_commit: str | None, files: Mapping[str, str]) -> Workspace:
    """Make a workspace anew; WorkspaceError for a file that would lie outside and a commit that is not there."""
    workspace = Workspace(directory.resolve())
    for path in files:
        _check_outside_git(path)
    for name in (commit, base_commit or commit):
        _check_commit(name)
    remove(directory)
    for folder in (workspace.directory, workspace.home, workspace.tmp, workspace.artifacts):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace.pin.write_text(f"{commit}\n{repo.resolve()}\n", encoding="utf-8")
    clone.make(repo.resolve(), workspace.work)
    with ExitStack() as both:  # side by side, since most of it is waiting for the disk
        if base_commit is not None:
            both.enter_context(_unfolding(repo, base_commit, workspace))
        git("-C", workspace.work, "checkout", "--quiet", "--detach", commit)
    for path, text in files.items():
        beneath.write_text(workspace.work, path, text)
    return workspace


def remove(directory: Path) -> None:
    """Remove the workspace; the log and the records of the attempt stay."""
    workspace = Workspace(directory)
    unfinished = workspace.directory.glob(f"{PUBLISHING}*")
    made = (workspace.work, workspace.base, workspace.home, workspace.tmp, workspace.artifacts)
    for folder in (*made, *unfinished):
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        _unlock(folder)
        shutil.rmtree(folder)


@contextmanager
def _unfolding(repo: Path, commit: str, workspace: Workspace) -> Iterator[None]:
    """The plain files of a commit, without a repository around them, there after the block."""
    workspace.base.mkdir()
    index = workspace.tmp / "base-index"
    places = (f"--git-dir={repo.resolve()}", f"--work-tree={workspace.base}")
    with git_meanwhile(*places, "read-tree", "--reset", "-u", commit, env={"GIT_INDEX_FILE": str(index)}):
        yield
    index.unlink()


def _check_outside_git(path: str) -> None:
    if ".git" in (name.lower() for name in beneath.parts(path)):
        raise WorkspaceError(f"{path!r} lies in a git directory")


def _check_commit(name: str) -> None:
    if not SHA.fullmatch(name):
        raise WorkspaceError(f"{name!r} is not the full name of a commit")


def _unlock(folder: Path) -> None:
    """Let the owner into every folder again; a command may have closed some."""
    folder.chmod(0o700)
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o700)
