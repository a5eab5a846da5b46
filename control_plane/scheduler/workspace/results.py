"""Takes what an attempt leaves out of its workspace: files as text, commits into the experiment's repository.

The command could write anything into the workspace, its `.git` included: configuration that names programs to run,
hooks, filters, references that lie. So nothing there is used but data. HEAD is read as text. Everything else happens in
a fresh git directory of ours that only borrows the workspace's objects (`objects/info/alternates`): there the leftover
changes become a commit, and from there the repository fetches it, with every object checked for its form and its hash.
Attributes of the tree name filters, but no configuration that git reads here defines one; repositories nested in the
tree, whose own configuration git would consult, are left out of the commit.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from control_plane.scheduler.workspace import beneath
from control_plane.scheduler.workspace.errors import WorkspaceError
from control_plane.scheduler.workspace.git import git
from control_plane.scheduler.workspace.layout import PUBLISHING, RUNTIME_FILES, SHA, Workspace
from control_plane.scheduler.workspace.surroundings import signature

LARGEST_REFERENCES_BYTES = 16 * 1024 * 1024
MOST_CITED_TIMES = 4
NOT_THERE = "0" * 40
#: An old commit graph or pack index in borrowed objects may lie about what it lists.
CONFIG = """[core]
    repositoryformatversion = 0
    bare = false
    commitGraph = false
    multiPackIndex = false
"""


def collect(directory: Path, paths: Iterable[str], limit_bytes: int) -> dict[str, str]:
    """The text of those files that are plain, inside the workspace and within the limit; the others are left out."""
    work = Workspace(directory).work
    found = {path: beneath.read_bytes(work, path, limit_bytes) for path in paths}
    return {path: data.decode(errors="replace") for path, data in found.items() if data is not None}


def cited(directory: Path, texts: Iterable[str], limit_bytes: int) -> dict[str, str]:
    """The text of each file that these cite by its address in the attempt's folder for artifacts, by that address.

    Of what is there, plain files within the limit count, and so many as are within it four times over.
    """
    root = Workspace(directory).artifacts
    address = re.compile(re.escape(f"file://{root}/") + r"""([^"'\s\\]+)""")
    found: dict[str, str] = {}
    room = MOST_CITED_TIMES * limit_bytes
    for name in dict.fromkeys(name for text in texts for name in address.findall(text)):
        data = beneath.read_bytes(root, name, min(limit_bytes, room))
        try:
            text = None if data is None else data.decode()
        except UnicodeDecodeError:
            continue
        if text is not None:
            found[f"file://{root}/{name}"] = text
            room -= len(data or b"")
    return found


def publish(directory: Path, repo: Path, branch: str, message: str, author: str) -> str | None:
    """Put HEAD, with a commit of what is uncommitted, on a branch of the repository; None when nothing has changed.

    The branch moves only from where it stood when this began. `author` reads `Name <address>`, or just `Name`.
    WorkspaceError when the workspace has no readable HEAD, the result is malformed or the branch moved meanwhile.
    """
    workspace = Workspace(directory.resolve())
    pinned, _ = workspace.pin.read_text(encoding="utf-8").splitlines()
    before = tip(repo, branch)
    with _own_git_dir(workspace, repo) as git_dir:
        head = _head(workspace)
        (git_dir / "HEAD").write_text(f"{head}\n")
        commit = _commit_leftovers(git_dir, workspace, message, author)
        if commit == pinned:
            return None
        _fetch(git_dir, repo, commit)
    git(f"--git-dir={repo}", "update-ref", f"refs/heads/{branch}", commit, before)
    return commit


def publish_named(directory: Path, repo: Path, branch: str, commit: str) -> str | None:
    """Put the commit that the command named on a branch; None when it is the pinned one or where HEAD stands.

    What HEAD has, and what is uncommitted, stays behind. WorkspaceError when the workspace has no such commit, or one
    that does not descend from the pinned one.
    """
    workspace = Workspace(directory.resolve())
    pinned, _ = workspace.pin.read_text(encoding="utf-8").splitlines()
    if commit in {pinned, _head(workspace)}:
        return None
    before = tip(repo, branch)
    with _own_git_dir(workspace, repo) as git_dir:
        (git_dir / "HEAD").write_text(f"{commit}\n")
        if not _has(git_dir, commit):
            raise WorkspaceError(f"its outcome names {commit}, and there is no such commit")
        if git(f"--git-dir={git_dir}", "rev-list", "--max-count=1", pinned, f"^{commit}").strip():
            raise WorkspaceError(f"its outcome names {commit}, which does not descend from {pinned}")
        _fetch(git_dir, repo, commit)
    git(f"--git-dir={repo}", "update-ref", f"refs/heads/{branch}", commit, before)
    return commit


def _has(git_dir: Path, commit: str) -> bool:
    told = git(f"--git-dir={git_dir}", "cat-file", "--batch-check", stdin=f"{commit}\n".encode())
    return told.split()[1:2] == ["commit"]


def _fetch(git_dir: Path, repo: Path, commit: str) -> None:
    """Bring a commit into the repository, with every object checked."""
    (git_dir / "refs" / "heads" / "result").write_text(f"{commit}\n")
    fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    git(f"--git-dir={repo}", *fetch, git_dir, "refs/heads/result")


@contextmanager
def _own_git_dir(workspace: Workspace, repo: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=workspace.directory, prefix=PUBLISHING) as name:
        git_dir = Path(name)
        for folder in ("refs/heads", "objects/info"):
            (git_dir / folder).mkdir(parents=True)
        (git_dir / "config").write_text(CONFIG)
        borrowed = (repo.resolve() / "objects", workspace.work / ".git" / "objects")
        (git_dir / "objects" / "info" / "alternates").write_text("".join(f"{path}\n" for path in borrowed))
        yield git_dir


def _commit_leftovers(git_dir: Path, workspace: Workspace, message: str, author: str) -> str:
    """HEAD, or a commit upon it when the files differ from it."""
    here = ("-C", workspace.work, f"--git-dir={git_dir}", f"--work-tree={workspace.work}")
    git(*here, "read-tree", "HEAD")
    kept_out = [*RUNTIME_FILES, *_nested_repositories(workspace.work)]
    listing = os.fsencode("\0".join(kept_out))
    ignored = set(git(*here, "check-ignore", "-z", "--stdin", stdin=listing, good=1).split("\0"))
    pathspecs = [".", *(f":(top,exclude,literal){path}" for path in kept_out if path not in ignored)]
    flags = ("--all", "--pathspec-from-file=-", "--pathspec-file-nul")
    git(*here, "add", *flags, stdin=os.fsencode("\0".join(pathspecs)))  # add refuses to exclude what is ignored
    tree = git(*here, "write-tree").strip()
    head, head_tree = git(*here, "rev-parse", "HEAD", "HEAD^{tree}").split()
    if tree == head_tree:
        return head
    return git(*here, "commit-tree", tree, "-p", "HEAD", "-m", message, env=signature(author)).strip()


def _nested_repositories(root: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(root):
        if parent == str(root):
            folders.remove(".git")
        elif ".git" in folders or ".git" in files:
            folders.clear()
            yield os.path.relpath(parent, root)


def _head(workspace: Workspace) -> str:
    """The commit that HEAD names, straight or by way of one branch."""
    text = _git_file(workspace, "HEAD")
    name = text.removeprefix("ref: ").strip()
    sha = text.strip() if name == text.strip() else _git_file(workspace, name).strip() or _packed(workspace, name)
    if not SHA.fullmatch(sha):
        raise WorkspaceError("the workspace's HEAD names no commit")
    return sha


def _packed(workspace: Workspace, name: str) -> str:
    lines = (line.split(" ", 1) for line in _git_file(workspace, "packed-refs").splitlines())
    return next((line[0] for line in lines if line[1:] == [name]), "")


def _git_file(workspace: Workspace, name: str) -> str:
    data = beneath.read_bytes(workspace.work, f".git/{name}", LARGEST_REFERENCES_BYTES)
    return (data or b"").decode(errors="replace")


def tip(repo: Path, branch: str) -> str:
    """The commit that a branch stands on; forty zeros where there is no such branch."""
    name = f"refs/heads/{branch}"
    lines = git(f"--git-dir={repo}", "for-each-ref", "--format=%(refname) %(objectname)", name).splitlines()
    return dict(line.split() for line in lines).get(name, NOT_THERE)
