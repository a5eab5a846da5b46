"""A success that changes nothing is refused: by its tree, where the repository has both commits (protocol §5.6)."""

from pathlib import Path

import pytest

from tests.git.stock import Stock
from tests.store.task_house import sha
from tests.wire.yard import Door, Yard


@pytest.fixture
async def here(yard: Yard, tmp_path: Path) -> Yard:
    """An experiment with a repository."""
    seed = tmp_path / "seed"
    seed.mkdir()
    (seed / "model.py").write_text("print(1)\n")
    return await yard.fresh(seed=seed)


@pytest.fixture
def git(door: Door, here: Yard, tmp_path: Path) -> "Bare":
    return Bare(Stock(tmp_path / "home"), door.data / "repos" / f"{here.store.experiment_id}.git")


class Bare:
    """The experiment's repository as those see it who write commits into it."""

    def __init__(self, git: Stock, path: Path) -> None:
        self._git, self._path = git, path
        self.base = git("rev-parse", "main", cwd=path)

    def commit(self, message: str, *parents: str, content: str | None = None) -> str:
        """A commit with the tree of `main`, or with one file of this content."""
        tree = self._git("rev-parse", "main^{tree}", cwd=self._path)
        if content is not None:
            blob = self._git("hash-object", "-w", "--stdin", cwd=self._path, stdin=content.encode())
            tree = self._git("mktree", cwd=self._path, stdin=f"100644 blob {blob}\tmodel.py\n".encode())
        named = [word for parent in parents for word in ("-p", parent)]
        return self._git("commit-tree", tree, "-m", message, *named, cwd=self._path)


async def submit(here: Yard, parents: list[str], commit: str, status: str = "success") -> str | None:
    """The refusal of a commit for an idea with these parents, asked twice; None when it is taken."""
    task_id, _, variant_id = await here.executing(parent_commits=parents)
    body = {"payload": {"variant_id": variant_id, "status": status, "commit_sha": commit}}
    answers = [await here.call("bob", "POST", f"v0:tasks/{task_id}/submit", body) for _ in range(2)]
    problems = [answer.json()["type"] if answer.is_error else None for answer in answers]
    assert problems[0] == problems[1]
    assert (await here.see("task", task_id))["state"] == ("claimed" if problems[0] else "submitted")
    return problems[0]


async def test_another_commit_with_the_tree_of_every_parent_is_refused_again_and_again(here: Yard, git: Bare) -> None:
    same = git.commit("nothing new", git.base)
    twin = git.commit("a twin", git.base)
    assert await submit(here, [git.base], same) == "eden://error/no-op-variant"
    assert await submit(here, [git.base, twin], same) == "eden://error/no-op-variant"
    assert await submit(here, [git.base], same, "error") is None


async def test_a_commit_that_differs_from_one_parent_is_taken(here: Yard, git: Bare) -> None:
    other = git.commit("other", git.base, content="print(2)\n")
    assert await submit(here, [git.base], other) is None
    assert await submit(here, [git.base, other], git.commit("merge", git.base, other)) is None


async def test_what_the_repository_does_not_know_is_compared_by_name(here: Yard, git: Bare) -> None:
    same = git.commit("nothing new", git.base)
    assert await submit(here, [git.base], sha(1)) is None
    assert await submit(here, [git.base], sha(1) + "0" * 24) is None
    assert await submit(here, [sha(2)], same) is None
    assert await submit(here, [git.base, sha(2)], same) is None
    assert await submit(here, [sha(2)], sha(2)) == "eden://error/no-op-variant"


async def test_the_holder_alone_has_git_asked(here: Yard, git: Bare) -> None:
    task_id, _, variant_id = await here.executing(parent_commits=[git.base])
    body = {"payload": {"variant_id": variant_id, "status": "success", "commit_sha": git.commit("same", git.base)}}
    await here.changes_nothing("wrong-claimant", "ann", f"v0:tasks/{task_id}/submit", body)
    await here.changes_nothing("not-found", "bob", "v0:tasks/nowhere/submit", body)
    await here.changes_nothing("forbidden", "admin", f"v0:tasks/{task_id}/submit", body)
    await here.changes_nothing("no-op-variant", "bob", f"v0:tasks/{task_id}/submit", body)
