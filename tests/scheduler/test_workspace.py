"""What a command finds in its workspace, and what is read back from it."""

import os
from pathlib import Path

import pytest

from control_plane.scheduler import processes, workspace
from control_plane.scheduler.workspace import Workspace, WorkspaceError
from tests.scheduler.repositories import Origin, git


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "repository")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "attempt"


def test_the_pinned_commit_is_checked_out_on_no_branch(origin: Origin, directory: Path) -> None:
    pinned = origin.seed(a_txt="first")
    origin.seed(a_txt="second")
    made = workspace.prepare(directory, origin.bare, pinned, None, {})
    assert (made.work / "a.txt").read_text() == "first"
    assert git(made.work, "rev-parse", "HEAD") == pinned
    assert git(made.work, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert not made.base.exists()


def test_a_workspace_knows_what_a_clone_would(origin: Origin, directory: Path, tmp_path: Path) -> None:
    """Branches as they stand now, packed or not; tags; where it came from; and it is sound."""
    first = origin.seed(a_txt="first")
    git(origin.bare, "branch", "work/wkr_1/packed", first)
    git(origin.bare, "branch", "moved", first)
    git(origin.bare, "tag", "plain", first)
    git(origin.bare, "tag", "-a", "with-words", "-m", "words", first)
    git(origin.bare, "pack-refs", "--all")
    second = origin.seed(a_txt="second")
    git(origin.bare, "branch", "--force", "moved", second)
    git(origin.bare, "branch", "work/wkr_1/loose", second)
    (origin.bare / "refs" / "heads" / "left.lock").write_text("")
    made = workspace.prepare(directory, origin.bare, first, None, {})
    git(tmp_path, "clone", "--quiet", "--shared", "--no-checkout", str(origin.bare), "clone")
    listing = ("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "refs/remotes", "refs/tags")
    theirs = [line for line in git(tmp_path / "clone", *listing).splitlines() if "origin/HEAD" not in line]
    assert git(made.work, *listing).splitlines() == theirs
    assert git(made.work, "rev-parse", "origin/moved") == second
    assert git(made.work, "remote", "get-url", "origin") == str(origin.bare)
    assert git(made.work, "fsck", "--strict") == ""
    assert git(made.work, "status", "--porcelain") == ""


def test_the_base_commit_lies_beside_it_as_plain_files(origin: Origin, directory: Path) -> None:
    base = origin.seed(judge_py="honest", folder__data_txt="1 2 3")
    pinned = origin.seed(judge_py="bribed")
    made = workspace.prepare(directory, origin.bare, pinned, base, {})
    assert (made.base / "judge.py").read_text() == "honest"
    assert (made.base / "folder" / "data.txt").read_text() == "1 2 3"
    assert sorted(path.name for path in made.base.iterdir()) == ["folder", "judge.py"]
    assert (made.work / "judge.py").read_text() == "bribed"
    assert list(made.tmp.iterdir()) == list(made.home.iterdir()) == []


def test_files_are_written_and_git_does_not_see_the_runtime_ones(origin: Origin, directory: Path) -> None:
    pinned = origin.seed(a_txt="a")
    files = {".eden/task.json": "{}\r\n", ".eden/idea.md": "Grüße"}
    made = workspace.prepare(directory, origin.bare, pinned, None, files)
    assert (made.work / ".eden" / "task.json").read_bytes() == b"{}\r\n"
    assert (made.work / ".eden" / "idea.md").read_text(encoding="utf-8") == "Grüße"
    assert git(made.work, "status", "--porcelain") == ""


def test_a_workspace_made_again_holds_nothing_of_the_first(origin: Origin, directory: Path) -> None:
    pinned = origin.seed(a_txt="a")
    first = workspace.prepare(directory, origin.bare, pinned, pinned, {"left.txt": "over"})
    (first.home / ".bashrc").write_text("alias ls=rm")
    (directory / "log").write_text("kept")
    again = workspace.prepare(directory, origin.bare, pinned, pinned, {})
    assert not (again.work / "left.txt").exists()
    assert list(again.home.iterdir()) == []
    assert (directory / "log").read_text() == "kept"


@pytest.mark.parametrize("commit", ["0" * 40, "--orphan=x", "-f", "main:a.txt", "main"])
def test_a_commit_that_is_not_there_is_refused_with_the_reason(origin: Origin, directory: Path, commit: str) -> None:
    pinned = origin.seed(a_txt="a")
    with pytest.raises(WorkspaceError, match=r"\w+"):
        workspace.prepare(directory, origin.bare, commit, None, {})
    with pytest.raises(WorkspaceError, match=r"\w+"):
        workspace.prepare(directory, origin.bare, pinned, commit, {})


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", "/etc/out", "", ".", ".git/hooks/x", "a/.GIT/config", "a\0b"]
)
def test_a_file_that_would_lie_elsewhere_is_refused(origin: Origin, directory: Path, path: str) -> None:
    pinned = origin.seed(a_txt="a")
    with pytest.raises(WorkspaceError):
        workspace.prepare(directory, origin.bare, pinned, None, {path: "text"})


@pytest.mark.parametrize("hostile", ["folder", "file", "folder-for-file", "dangling"])
def test_links_in_the_commit_lead_no_file_astray(origin: Origin, directory: Path, tmp_path: Path, hostile: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "task.json").write_text("precious")
    eden = origin.tree / ".eden"
    if hostile == "folder":
        eden.symlink_to(victim)
    else:
        eden.mkdir()
    if hostile == "file":
        (eden / "task.json").symlink_to(victim / "task.json")
    if hostile == "dangling":
        (eden / "task.json").symlink_to(victim / "new.json")
    if hostile == "folder-for-file":
        (eden / "task.json").mkdir()
        (eden / "task.json" / "deep").write_text("")
    made = workspace.prepare(directory, origin.bare, origin.push(), None, {".eden/task.json": "mine"})
    assert (made.work / ".eden" / "task.json").read_text() == "mine"
    assert not (made.work / ".eden").is_symlink()
    assert {path.name: path.read_text() for path in victim.iterdir()} == {"task.json": "precious"}


def test_no_program_named_by_the_commit_or_the_user_runs(
    origin: Origin, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, witness = tmp_path / "person", tmp_path / "witness"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[filter "evil"]\n smudge = touch {witness}; cat\n required = true\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    (origin.tree / ".gitattributes").write_text("* filter=evil\n")
    pinned = origin.seed(a_txt="a")
    made = workspace.prepare(directory, origin.bare, pinned, pinned, {})
    assert (made.work / "a.txt").read_text() == (made.base / "a.txt").read_text() == "a"
    assert not witness.exists()


def test_collected_files_come_as_text_and_within_the_limit(origin: Origin, directory: Path) -> None:
    work = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {}).work
    (work / "out").mkdir()
    (work / "out" / "good.txt").write_text("x" * 100)
    (work / "out" / "large.txt").write_text("x" * 101)
    (work / "out" / "bytes").write_bytes(b"\xff\xfeok")
    paths = ["out/good.txt", "out/large.txt", "out/bytes", "out/missing", "a.txt/below", "out"]
    assert workspace.collect(directory, paths, 100) == {"out/good.txt": "x" * 100, "out/bytes": "��ok"}


def test_collecting_follows_no_link_waits_for_no_pipe_and_climbs_nowhere(
    origin: Origin, directory: Path, tmp_path: Path
) -> None:
    work = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {}).work
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (work / "link").symlink_to(secret)
    (work / "folder").symlink_to(tmp_path)
    os.mkfifo(work / "pipe")
    (work / "inner").symlink_to("a.txt")
    paths = ["link", "folder/secret", "pipe", "inner", "../../secret", str(secret), ""]
    assert workspace.collect(directory, paths, 100) == {}


def test_nothing_is_collected_through_a_workspace_that_became_a_link(
    origin: Origin, directory: Path, tmp_path: Path
) -> None:
    made = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {})
    (tmp_path / "secret").write_text("secret")
    made.work.rename(directory / "moved")
    made.work.symlink_to(tmp_path)
    assert workspace.collect(directory, ["secret"], 100) == {}
    workspace.remove(directory)
    assert (tmp_path / "secret").exists()


def test_removing_leaves_the_records_and_opens_closed_folders(origin: Origin, directory: Path) -> None:
    made = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {})
    (made.work / "closed" / "below").mkdir(parents=True)
    (made.work / "closed" / "below" / "file").write_text("")
    (made.work / "closed" / "below").chmod(0)
    (made.work / "closed").chmod(0)
    (directory / "log").write_text("kept")
    workspace.remove(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["log", "pinned"]
    workspace.remove(directory)


def test_the_environment_is_an_allow_list(origin: Origin, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHYARD_ADMIN_TOKEN", "secret")
    pinned = origin.seed(a_txt="a")
    made = workspace.prepare(directory, origin.bare, pinned, pinned, {})
    given = {"EDEN_WORKER_ID": "wkr_1", "EDEN_TASK_JSON": ".eden/task.json", "EDEN_OUTPUT": ".eden/outcome.json"}
    env = workspace.environment(made, {**given, "SEED": "7", "HOME": "/elsewhere", "OMP_NUM_THREADS": "4"})
    assert env == {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "4",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "GIT_AUTHOR_NAME": "wkr_1",
        "GIT_AUTHOR_EMAIL": "wkr_1@switchyard.invalid",
        "GIT_COMMITTER_NAME": "wkr_1",
        "GIT_COMMITTER_EMAIL": "wkr_1@switchyard.invalid",
        "EDEN_WORKER_ID": "wkr_1",
        "EDEN_TASK_JSON": str(made.work / ".eden" / "task.json"),
        "EDEN_OUTPUT": str(made.work / ".eden" / "outcome.json"),
        "SEED": "7",
        "PATH": env["PATH"],
        "HOME": str(made.home),
        "TMPDIR": str(made.tmp),
        "EDEN_WORKTREE": str(made.work),
        "EDEN_REPO_DIR": str(origin.bare),
        "EDEN_ARTIFACT_PATH_ROOT": str(made.artifacts),
        "EDEN_EXPERIMENT_DIR": str(made.base),
    }


def test_without_a_base_commit_no_experiment_directory_is_named(origin: Origin, directory: Path) -> None:
    made = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {})
    assert "EDEN_EXPERIMENT_DIR" not in workspace.environment(made, {})


def run(made: Workspace, script: str) -> str:
    """What a shell script prints that runs in a workspace, under a shim."""
    env = workspace.environment(made, {"EDEN_WORKER_ID": "wkr_1"})
    what = processes.Launch(("/bin/sh", "-c", script), made.work, env, "job/1", timeout_seconds=60)
    handle = processes.launch(made.directory, what)
    assert processes.wait([handle], 60) == {handle}
    ended = processes.read_exit(made.directory)
    log = (made.directory / "log").read_text()
    assert ended is not None
    assert ended.exit_code == 0, log
    return log


def test_a_command_can_commit_and_finds_this_python(origin: Origin, directory: Path) -> None:
    made = workspace.prepare(directory, origin.bare, origin.seed(a_txt="a"), None, {})
    script = "echo b > a.txt; git commit -qam change; git log -1 --format=%an; python -c 'import pydantic; print(1)'"
    assert run(made, script).split() == ["wkr_1", "1"]
    assert workspace.publish(directory, origin.bare, "work/wkr_1/v", "m", "wkr_1") == git(
        made.work, "rev-parse", "HEAD"
    )


def test_a_commit_that_came_after_the_first_workspace_is_found_by_the_next(origin: Origin, tmp_path: Path) -> None:
    first = workspace.prepare(tmp_path / "first", origin.bare, origin.seed(a_txt="early"), None, {})
    late = origin.seed(a_txt="late")
    second = workspace.prepare(tmp_path / "second", origin.bare, late, None, {})
    assert [(made.work / "a.txt").read_text() for made in (first, second)] == ["early", "late"]
