"""Work branches are put aside only where they were seen, come back, and go along with every checkpoint."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.repos.bundles import Bundles
from control_plane.repos.cleaning import WorkRefs
from control_plane.repos.refusals import MalformedName
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, Stock
from tests.git.test_bundles import OTHER, written

V1 = "work/wkr_a/v1"


@pytest.fixture
def refs(repositories: Repositories) -> WorkRefs:
    return WorkRefs(repositories)


def test_a_branch_is_put_aside_where_it_was_seen_and_comes_back(
    refs: WorkRefs, work: Callable[..., str], bare: Path, git: Stock
) -> None:
    first = work(program__py="value = 2\n")
    second = work(program__py="value = 3\n")
    assert refs.remove(EXPERIMENT, [(V1, first)]) is False
    assert list(refs.listed(EXPERIMENT, "", 10)) == [(V1, second)]
    assert refs.remove(EXPERIMENT, [(V1, second)]) is True
    assert refs.remove(EXPERIMENT, [(V1, second)]) is False
    assert (refs.live(EXPERIMENT, [V1]), list(refs.listed(EXPERIMENT, "", 10))) == ({}, [])
    assert list(refs.listed(EXPERIMENT, "", 10, is_aside=True)) == [(V1, second)]
    assert "work" not in git("for-each-ref", "refs/heads", cwd=bare)
    assert refs.restore(EXPERIMENT, [(V1, first)]) is False
    assert refs.restore(EXPERIMENT, [(V1, second)]) is True
    assert refs.live(EXPERIMENT, [V1]) == {V1: second}
    assert list(refs.listed(EXPERIMENT, "", 10, is_aside=True)) == []


def test_several_branches_move_together_or_not_at_all(
    refs: WorkRefs, work: Callable[..., str], base: str, bare: Path, git: Stock
) -> None:
    second = work(program__py="value = 2\n")
    for name in ("v2", "v3"):
        git("update-ref", f"refs/heads/work/wkr_a/{name}", base, cwd=bare)
    git("pack-refs", "--all", cwd=bare)
    several = [(V1, second), ("work/wkr_a/v2", base), ("work/wkr_a/v3", base)]
    assert refs.remove(EXPERIMENT, [*several[:2], ("work/wkr_a/v3", second)]) is False
    assert (list(refs.listed(EXPERIMENT, "", 9)), list(refs.listed(EXPERIMENT, "", 9, is_aside=True))) == (several, [])
    assert refs.remove(EXPERIMENT, several) is True
    assert (list(refs.listed(EXPERIMENT, "", 9)), list(refs.listed(EXPERIMENT, "", 9, is_aside=True))) == ([], several)
    git("update-ref", "refs/heads/work/wkr_a/v2", base, cwd=bare)
    assert refs.restore(EXPERIMENT, several) is False
    assert list(refs.listed(EXPERIMENT, "", 9)) == several[1:2]
    assert refs.restore(EXPERIMENT, several[::2]) is True
    assert list(refs.listed(EXPERIMENT, "", 9)) == several


def test_a_branch_that_was_pushed_again_is_not_replaced_by_what_is_aside(
    refs: WorkRefs, work: Callable[..., str], repositories: Repositories, tmp_path: Path
) -> None:
    first = work(program__py="value = 2\n")
    assert refs.remove(EXPERIMENT, [(V1, first)])
    second = work(program__py="value = 3\n")
    assert refs.restore(EXPERIMENT, [(V1, first)]) is False
    assert refs.live(EXPERIMENT, [V1]) == {V1: second}
    bundle = io.BytesIO(written(repositories, tmp_path, EXPERIMENT))
    with Bundles(repositories).unpack(OTHER, bundle) as made:
        assert made.branches[V1] == second
    assert refs.remove(EXPERIMENT, [(V1, second)])  # the newest of a name is what is kept
    assert list(refs.listed(EXPERIMENT, "", 10, is_aside=True)) == [(V1, second)]


def test_a_checkpoint_carries_what_is_aside_as_the_branch_that_it_was(
    refs: WorkRefs, work: Callable[..., str], repositories: Repositories, tmp_path: Path
) -> None:
    commit = work(program__py="value = 2\n")
    assert refs.remove(EXPERIMENT, [(V1, commit)])
    bundle = io.BytesIO(written(repositories, tmp_path, EXPERIMENT))
    with Bundles(repositories).unpack(OTHER, bundle) as made:
        assert set(made.branches) == {"main", V1}
        assert made.missing([commit]) == set()


def test_branches_are_listed_by_name_a_page_at_a_time(refs: WorkRefs, base: str, bare: Path, git: Stock) -> None:
    named = [f"work/wkr_{letter}/v" for letter in "dacb"]
    for name in named:
        git("update-ref", f"refs/heads/{name}", base, cwd=bare)
    assert [name for name, _ in refs.listed(EXPERIMENT, "", 2)] == sorted(named)[:2]
    assert [name for name, _ in refs.listed(EXPERIMENT, sorted(named)[1], 9)] == sorted(named)[2:]


@pytest.mark.parametrize("name", ["main", "variant/v-1", "work/../main", "refs/tags/work/x", "work/x\n", "work/"])
def test_nothing_but_a_work_branch_is_touched(refs: WorkRefs, base: str, name: str) -> None:
    for act in (refs.remove, refs.restore):
        with pytest.raises(MalformedName):
            act(EXPERIMENT, [(name, base)])
