"""What an outcome names: the commit that is published instead of HEAD, and files beside the workspace."""

from pathlib import Path

import pytest

from control_plane.scheduler import workspace
from control_plane.scheduler.workspace import WorkspaceError
from tests.scheduler.repositories import commit, git
from tests.scheduler.test_workspace_publish import BRANCH, Result


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return Result(tmp_path)


def commit_aside(result: Result, start: str) -> str:
    """A commit on a start that HEAD does not stand on, while HEAD has another and files are changed."""
    (result.work / "a.txt").write_text("aside")
    git(result.work, "checkout", "--quiet", start)
    aside = commit(result.work, "aside")
    git(result.work, "checkout", "--quiet", result.pinned)
    (result.work / "a.txt").write_text("ahead")
    commit(result.work, "ahead")
    (result.work / "b.txt").write_text("uncommitted")
    return aside


def test_the_commit_that_an_outcome_names_is_published_and_nothing_else(result: Result) -> None:
    aside = commit_aside(result, result.pinned)
    found = workspace.publish_named(result.made.directory, result.origin.bare, BRANCH, aside)
    assert found == aside == result.origin.tip(BRANCH)
    assert git(result.origin.bare, "show", f"{BRANCH}:a.txt") == "aside"
    assert git(result.origin.bare, "show", f"{BRANCH}:b.txt") == "b"


def test_a_named_commit_that_builds_on_something_else_or_is_nowhere_is_refused(result: Result) -> None:
    git(result.work, "checkout", "--quiet", "--orphan", "stranger")
    stranger = commit(result.work, "stranger")
    git(result.work, "checkout", "--quiet", result.pinned)
    blob = git(result.work, "rev-parse", f"{stranger}:a.txt")
    for name, words in ((stranger, "does not descend"), ("d" * 40, "no such commit"), (blob, "no such commit")):
        with pytest.raises(WorkspaceError, match=words):
            workspace.publish_named(result.made.directory, result.origin.bare, BRANCH, name)
    assert result.origin.tip(BRANCH) == ""


def test_a_named_commit_where_head_stands_is_left_to_head(result: Result) -> None:
    (result.work / "a.txt").write_text("better")
    for name in (result.pinned, commit(result.work, "mine")):
        assert workspace.publish_named(result.made.directory, result.origin.bare, BRANCH, name) is None
    assert result.origin.tip(BRANCH) == ""


def test_what_is_cited_beside_the_workspace_is_taken_and_nothing_elsewhere(result: Result) -> None:
    root = result.made.artifacts
    (root / "deep").mkdir()
    (root / "deep" / "notes.md").write_text("kept")
    (root / "large").write_text("x" * 101)
    (root / "binary").write_bytes(b"\xff\xfe")
    (root / "link").symlink_to("/etc/passwd")
    names = ("deep/notes.md", "large", "binary", "link", "missing", "../pinned", "deep")
    texts = [f'{{"artifacts_uri": "file://{root}/{name}"}}' for name in names] + ["file:///etc/passwd"]
    found = workspace.cited(result.made.directory, texts, 100)
    assert found == {f"file://{root}/deep/notes.md": "kept"}


def test_of_much_that_is_cited_no_more_is_taken_than_there_is_room_for(result: Result) -> None:
    for number in range(9):
        (result.made.artifacts / str(number)).write_text("x" * 60)
    texts = [" ".join(f"file://{result.made.artifacts}/{number}" for number in range(9))]
    assert len(workspace.cited(result.made.directory, texts, 100)) == 6
