"""What of a workspace reaches the repository, whatever the command made of its git directory."""

import os
import stat
import subprocess
import zlib
from pathlib import Path

import pytest

from control_plane.scheduler import workspace
from control_plane.scheduler.workspace import Workspace, WorkspaceError
from control_plane.scheduler.workspace.layout import RUNTIME_FILES
from tests.scheduler.repositories import Origin, commit, git

BRANCH = "work/wkr_1/var_1"


class Result:
    """A prepared workspace and the repository it is published to."""

    def __init__(self, folder: Path) -> None:
        self.origin = Origin(folder / "repository")
        self.pinned = self.origin.seed(a_txt="a", b_txt="b", _gitignore="*.log\n")
        self.made = self.prepare(folder / "attempt", self.pinned)
        self.work = self.made.work
        self.witness = folder / "witness"

    def prepare(self, directory: Path, pinned: str) -> Workspace:
        return workspace.prepare(directory, self.origin.bare, pinned, None, {".eden/task.json": "{}"})

    def publish(self) -> str | None:
        author = "Grace <grace@example.org>"
        return workspace.publish(self.made.directory, self.origin.bare, BRANCH, "what came out", author)


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return Result(tmp_path)


def test_an_untouched_workspace_publishes_nothing(result: Result) -> None:
    assert result.publish() is None
    assert result.origin.tip(BRANCH) == ""


def test_a_commit_of_the_command_is_published_as_it_is(result: Result) -> None:
    (result.work / "a.txt").write_text("better")
    git(result.work, "commit", "--quiet", "-am", "mine")
    sha = git(result.work, "rev-parse", "HEAD")
    assert result.publish() == sha == result.origin.tip(BRANCH)


def test_uncommitted_changes_become_a_commit_upon_head(result: Result) -> None:
    (result.work / "a.txt").write_text("better")
    head = commit(result.work, "mine")
    (result.work / "b.txt").unlink()
    (result.work / "new").mkdir()
    (result.work / "new" / "ü c.txt").write_text("c")
    (result.work / "noise.log").write_text("ignored")
    tool = result.work / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    sha = result.publish()
    assert sha == result.origin.tip(BRANCH)
    shown = git(result.origin.bare, "show", "-s", "--format=%P|%an <%ae>|%cn|%s", BRANCH)
    assert shown == f"{head}|Grace <grace@example.org>|Grace|what came out"
    assert git(result.origin.bare, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", BRANCH).split(
        "\n"
    ) == [
        ".eden/task.json",
        ".gitignore",
        "a.txt",
        "new/ü c.txt",
        "tool",
    ]
    assert git(result.origin.bare, "ls-tree", BRANCH, "tool").startswith("100755 ")


@pytest.mark.parametrize("ignored", ["", ".eden/\n", "/.eden/task.json\n"])
def test_runtime_files_never_enter_our_commit(result: Result, ignored: str) -> None:
    (result.work / ".gitignore").write_text(ignored)
    for path in RUNTIME_FILES:
        (result.work / path).write_text("runtime")
    (result.work / ".git" / "info" / "exclude").write_text("")
    (result.work / ".eden" / "notes.md").write_text("kept unless ignored")
    result.publish()
    expected = [".gitignore", "a.txt", "b.txt"]
    assert result.origin.listing(BRANCH) == (expected if ignored == ".eden/\n" else [".eden/notes.md", *expected])


def test_runtime_files_alone_are_no_change(result: Result) -> None:
    for path in RUNTIME_FILES:
        (result.work / path).write_text("runtime")
    assert result.publish() is None


def test_a_runtime_file_that_the_experiment_tracks_stays_as_it_was(result: Result, tmp_path: Path) -> None:
    (result.origin.tree / ".eden").mkdir()
    pinned = result.origin.seed(_eden__idea_md="tracked")
    made = workspace.prepare(tmp_path / "second", result.origin.bare, pinned, None, {".eden/idea.md": "this idea"})
    (made.work / "a.txt").write_text("better")
    assert workspace.publish(made.directory, result.origin.bare, BRANCH, "m", "wkr_1")
    assert result.origin.text(BRANCH, ".eden/idea.md") == "tracked"
    assert result.origin.text(BRANCH, "a.txt") == "better"
    assert git(result.origin.bare, "show", "-s", "--format=%an <%ae>", BRANCH) == "wkr_1 <wkr_1@switchyard.invalid>"


@pytest.mark.parametrize("is_packed", [False, True])
def test_head_may_stand_on_a_branch(result: Result, is_packed: bool) -> None:
    git(result.work, "checkout", "--quiet", "-b", "topic/one")
    (result.work / "a.txt").write_text("better")
    sha = commit(result.work)
    if is_packed:
        git(result.work, "pack-refs", "--all")
    assert result.publish() == sha


def test_what_is_published_outlives_the_workspace(result: Result, tmp_path: Path) -> None:
    (result.work / "a.txt").write_text("better")
    sha = result.publish()
    workspace.remove(result.made.directory)
    git(result.origin.bare, "fsck", "--strict", "--connectivity-only")
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(result.origin.bare), "copy")
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == sha
    assert sorted(path.name for path in result.made.directory.iterdir()) == ["pinned"]


def test_publishing_again_after_a_retry_moves_the_branch(result: Result, tmp_path: Path) -> None:
    (result.work / "a.txt").write_text("first try")
    first = result.publish()
    second = result.prepare(tmp_path / "second", result.pinned)
    (second.work / "a.txt").write_text("second try")
    sha = workspace.publish(second.directory, result.origin.bare, BRANCH, "m", "wkr_1")
    assert sha == result.origin.tip(BRANCH) != first


def test_a_branch_that_moves_meanwhile_is_left_where_it_went(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that moves the branch after each fetch stands for somebody else's push."""
    rival = tmp_path / "bin" / "git"
    rival.parent.mkdir()
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    move = f"{real} --git-dir={result.origin.bare} update-ref refs/heads/{BRANCH} {result.pinned}"
    rival.write_text(f'#!/bin/sh\n{real} "$@"; code=$?\ncase "$*" in *" fetch "*) {move};; esac\nexit $code\n')
    rival.chmod(0o755)
    monkeypatch.setenv("PATH", f"{rival.parent}:{os.environ['PATH']}")
    (result.work / "a.txt").write_text("better")
    with pytest.raises(WorkspaceError, match=BRANCH):
        result.publish()
    assert result.origin.tip(BRANCH) == result.pinned


@pytest.mark.parametrize("branch", ["../../evil", "a..b", "a b", "-x/", "a.lock", ""])
def test_a_name_that_no_branch_can_have_is_refused(result: Result, branch: str) -> None:
    (result.work / "a.txt").write_text("better")
    with pytest.raises(WorkspaceError):
        workspace.publish(result.made.directory, result.origin.bare, branch, "m", "wkr_1")


def plant(folder: Path, witness: Path) -> None:
    """Leave in a git directory every setting and hook that could run a program."""
    script = folder / "evil"
    script.write_text(f"#!/bin/sh\ntouch {witness}\ncat\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    names = "pre-commit post-commit post-checkout post-index-change reference-transaction pre-push update"
    for name in names.split():
        (hooks / name).symlink_to(script)
    settings = {
        "core.fsmonitor": f"{script}",
        "core.hooksPath": f"{hooks}",
        "core.sshCommand": f"{script}",
        "core.editor": f"{script}",
        "core.pager": f"{script}",
        "filter.evil.clean": f"{script}",
        "filter.evil.smudge": f"{script}",
        "filter.evil.process": f"{script}",
        "filter.evil.required": "true",
        "diff.evil.textconv": f"{script}",
        "diff.external": f"{script}",
        "uploadpack.packObjectsHook": f"{script}",
        "remote.origin.uploadpack": f"{script}",
        "commit.gpgSign": "true",
        "gpg.program": f"{script}",
        "core.alternateRefsCommand": f"{script}",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
    }
    for name, value in settings.items():
        git(folder, "config", "--file", str(folder / "config"), name, value)


def test_nothing_planted_in_the_git_directory_runs(result: Result) -> None:
    (result.work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (result.work / "a.txt").write_text("better")
    plant(result.work / ".git", result.witness)
    git(result.work, "config", "--file", ".git/config", "core.worktree", "/")
    assert result.publish() == result.origin.tip(BRANCH)
    assert result.origin.text(BRANCH, "a.txt") == "better"
    assert not result.witness.exists()


@pytest.mark.parametrize("is_tracked", [False, True])
def test_a_repository_within_the_workspace_is_left_out_and_runs_nothing(result: Result, is_tracked: bool) -> None:
    inner = result.work / "vendor" / "odd [name]"
    git(result.work, "init", "--quiet", str(inner))
    (inner / ".gitattributes").write_text("* filter=evil\n")
    (inner / "file").write_text("1")
    commit(inner)
    if is_tracked:
        git(result.work, "add", "vendor")
        git(result.work, "commit", "--quiet", "-m", "with a link to a repository")
    (inner / "file").write_text("2")
    (result.work / "a.txt").write_text("better")
    plant(inner / ".git", result.witness)
    assert result.publish() == result.origin.tip(BRANCH)
    assert result.origin.text(BRANCH, "a.txt") == "better"
    assert "vendor/odd [name]/file" not in result.origin.listing(BRANCH)
    assert not result.witness.exists()


def test_an_ignored_repository_within_the_workspace_is_no_hindrance(result: Result) -> None:
    git(result.work, "init", "--quiet", "vendor/inner")
    (result.work / ".gitignore").write_text("vendor/\n")
    assert result.publish() == result.origin.tip(BRANCH)
    assert result.origin.listing(BRANCH) == [".gitignore", "a.txt", "b.txt"]


@pytest.mark.parametrize(
    "head", ["", "ref: refs/heads/none\n", "ref: ../../../secret\n", "0" * 40 + "\n", "ref: /etc/passwd\n", "\xff"]
)
def test_a_head_that_names_no_commit_is_refused(result: Result, head: str) -> None:
    (result.made.directory / "secret").write_text(result.pinned)
    (result.work / ".git" / "HEAD").write_text(head)
    (result.work / "a.txt").write_text("better")
    with pytest.raises(WorkspaceError):
        result.publish()
    assert result.origin.tip(BRANCH) == ""


@pytest.mark.parametrize("instead", ["nothing", "link", "file"])
def test_a_workspace_without_its_git_directory_is_refused(result: Result, instead: str) -> None:
    moved = result.made.directory / "moved"
    (result.work / ".git").rename(moved)
    if instead == "link":
        (result.work / ".git").symlink_to(moved)
    if instead == "file":
        (result.work / ".git").write_text(f"gitdir: {moved}\n")
    with pytest.raises(WorkspaceError, match="HEAD"):
        result.publish()


def test_an_object_that_lies_about_its_content_is_refused(result: Result) -> None:
    (result.work / "a.txt").write_text("better")
    commit(result.work)
    blob = git(result.work, "rev-parse", "HEAD:a.txt")
    stored = result.work / ".git" / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o644)
    stored.write_bytes(zlib.compress(b"blob 6\0forged"))
    with pytest.raises(WorkspaceError):
        result.publish()
    assert result.origin.tip(BRANCH) == ""


def test_what_builds_on_several_commits_descends_from_all_of_them(result: Result) -> None:
    other = result.origin.seed(other_txt="theirs")
    (result.work / "a.txt").write_text("better")
    made = str(result.publish())
    author = "Grace <grace@example.org>"
    joined = workspace.join(result.origin.bare, BRANCH, made, (result.pinned, other, other), author)
    assert joined == result.origin.tip(BRANCH)
    assert git(result.origin.bare, "log", "-1", "--format=%P", joined).split() == [made, other]
    assert git(result.origin.bare, "rev-parse", f"{joined}^{{tree}}") == git(
        result.origin.bare, "rev-parse", f"{made}^{{tree}}"
    )
    assert workspace.join(result.origin.bare, BRANCH, joined, (result.pinned, other), author) == joined


def test_a_commit_to_build_on_that_is_nowhere_is_refused(result: Result) -> None:
    (result.work / "a.txt").write_text("better")
    made = str(result.publish())
    with pytest.raises(WorkspaceError):
        workspace.join(result.origin.bare, BRANCH, made, ("a" * 40,), "wkr_1")
    assert result.origin.tip(BRANCH) == made
