"""Makes a workspace, and takes it away."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from control_plane.scheduler.workspace import beneath
from control_plane.scheduler.workspace.errors import WorkspaceError
from control_plane.scheduler.workspace.git import git
from control_plane.scheduler.workspace.layout import PUBLISHING, RUNTIME_FILES, SHA, Workspace


def prepare(directory: Path, repo: Path, commit: str, base_commit: str | None, files: Mapping[str, str]) -> Workspace:
    """Make a workspace anew; WorkspaceError for a file that would lie outside and a commit that is not there."""
    workspace = Workspace(directory.resolve())
    for path in files:
        _check_outside_git(path)
    for name in (commit, base_commit or commit):
        _check_commit(name)
    remove(directory)
    for folder in (workspace.directory, workspace.home, workspace.tmp):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace.pin.write_text(f"{commit}\n{repo.resolve()}\n", encoding="utf-8")
    _check_out(repo, commit, workspace)
    if base_commit is not None:
        _unfold(repo, base_commit, workspace)
    for path, text in files.items():
        beneath.write_text(workspace.work, path, text)
    return workspace


def remove(directory: Path) -> None:
    """Remove the workspace; the log and the records of the attempt stay."""
    workspace = Workspace(directory)
    unfinished = workspace.directory.glob(f"{PUBLISHING}*")
    for folder in (workspace.work, workspace.base, workspace.home, workspace.tmp, *unfinished):
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            _unlock(folder)
            shutil.rmtree(folder)


def _check_out(repo: Path, commit: str, workspace: Workspace) -> None:
    """A clone that borrows the repository's objects, at the commit, on no branch."""
    git("clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", repo.resolve(), workspace.work)
    info = workspace.work / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "exclude").write_text("".join(f"/{path}\n" for path in RUNTIME_FILES), encoding="utf-8")
    git("-C", workspace.work, "checkout", "--quiet", "--detach", commit)


def _unfold(repo: Path, commit: str, workspace: Workspace) -> None:
    """The plain files of a commit, without a repository around them."""
    workspace.base.mkdir()
    index = workspace.tmp / "base-index"
    places = (f"--git-dir={repo.resolve()}", f"--work-tree={workspace.base}")
    git(*places, "read-tree", "--reset", "-u", commit, env={"GIT_INDEX_FILE": str(index)})
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
