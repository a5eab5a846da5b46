import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.repos.examine import Branch, Examiner, FileChange
from control_plane.repos.git import KEPT_OPEN
from control_plane.repos.refusals import CommitMissing, GitFailed, MalformedName, RepositoryMissing
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock

ABSENT = "f" * 40
Work = Callable[..., str]


def test_the_facts_of_a_good_commit(examiner: Examiner, base: str, work: Work) -> None:
    commit = work(program__py="value = 2\nmore = 3\n", picture__bin=b"\0\1\2")
    facts = examiner.examine(EXPERIMENT, commit, [base], "var-1")
    assert facts.exists
    assert facts.is_descendant
    assert not facts.is_unchanged
    assert facts.missing_parents == ()
    assert facts.changes == (FileChange("picture.bin", None, None), FileChange("program.py", 2, 1))
    assert facts.is_manifest_absent


def test_of_a_commit_that_is_not_there_nothing_holds(examiner: Examiner, base: str) -> None:
    facts = examiner.examine(EXPERIMENT, ABSENT, [base])
    assert not facts.exists
    assert not facts.is_descendant
    assert not facts.is_unchanged


def test_a_tree_is_no_commit(examiner: Examiner, base: str, bare: Path, git: Stock) -> None:
    assert not examiner.examine(EXPERIMENT, git("rev-parse", "main^{tree}", cwd=bare), [base]).exists


def test_a_commit_that_changes_nothing_is_seen_through_its_tree(
    examiner: Examiner, base: str, work: Work, git: Stock, checkout: Path
) -> None:
    changed = work(program__py="value = 2\n")
    reverted = work(program__py="value = 1\n")
    assert examiner.examine(EXPERIMENT, reverted, [base]).is_unchanged
    assert not examiner.examine(EXPERIMENT, reverted, [base, changed]).is_unchanged
    assert not examiner.examine(EXPERIMENT, reverted, []).is_unchanged


def test_missing_parents_are_named(examiner: Examiner, base: str, work: Work) -> None:
    facts = examiner.examine(EXPERIMENT, work(program__py="value = 2\n"), [base, ABSENT])
    assert facts.missing_parents == (ABSENT,)
    assert not facts.is_descendant


def test_a_sibling_is_no_ancestor(examiner: Examiner, base: str, work: Work, git: Stock, checkout: Path) -> None:
    sibling = work(program__py="value = 2\n")
    git("checkout", "--quiet", "-b", "work/wkr_a/v2", base, cwd=checkout)
    commit = work(program__py="value = 3\n")
    assert not examiner.examine(EXPERIMENT, commit, [base, sibling]).is_descendant


def test_forged_dates_do_not_hide_an_ancestor(
    examiner: Examiner, base: str, git: Stock, checkout: Path, work: Work
) -> None:
    old = git.dated("1980-01-01T00:00:00 +0000")
    for number in range(20):
        old.commit(checkout, program__py=f"value = {number + 5}\n")
    commit = work(program__py="value = 99\n")
    assert examiner.examine(EXPERIMENT, commit, [base]).is_descendant
    assert examiner.reachable(EXPERIMENT, [base], [git("rev-parse", "HEAD~1", cwd=checkout)])


def test_a_manifest_in_the_way_is_seen(examiner: Examiner, base: str, work: Work, checkout: Path) -> None:
    folder = checkout / ".eden" / "variants" / "var-1"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text("{}")
    commit = work()
    assert not examiner.examine(EXPERIMENT, commit, [base], "var-1").is_manifest_absent
    assert examiner.examine(EXPERIMENT, commit, [base], "var-2").is_manifest_absent


def test_reachable_means_one_of_them_or_an_ancestor(examiner: Examiner, base: str, work: Work) -> None:
    commit = work(program__py="value = 2\n")
    assert examiner.reachable(EXPERIMENT, [base, commit], [commit])
    assert examiner.reachable(EXPERIMENT, [base], [base, ABSENT])
    assert examiner.reachable(EXPERIMENT, [], [])
    assert not examiner.reachable(EXPERIMENT, [commit], [base])
    assert not examiner.reachable(EXPERIMENT, [base, ABSENT], [commit])
    assert not examiner.reachable(EXPERIMENT, [base], [])


def test_branches_are_listed_below_a_prefix(examiner: Examiner, base: str, work: Work, git: Stock, bare: Path) -> None:
    commit = work(program__py="value = 2\n")
    git("branch", "work/wkr_ab/v1", base, cwd=bare)
    listed = examiner.branches(EXPERIMENT, "work/wkr_a/")
    assert listed == (Branch("work/wkr_a/v1", commit, "work", "2026-01-02T03:04:05.000000Z"),)
    names = [branch.name for branch in examiner.branches(EXPERIMENT)]
    assert names == ["main", "work/wkr_a/v1", "work/wkr_ab/v1"]
    assert examiner.tip(EXPERIMENT, "main") == base
    assert examiner.tip(EXPERIMENT, "work") is None


def test_a_diff_shows_counts_and_text(examiner: Examiner, base: str, work: Work) -> None:
    diff = examiner.diff(EXPERIMENT, base, work(program__py="value = 2\n", odd__txt=b"\xff\n"))
    assert diff.files == (FileChange("odd.txt", 1, 0), FileChange("program.py", 1, 1))
    assert "-value = 1\n+value = 2\n" in diff.text
    assert not diff.is_truncated


def test_a_long_diff_is_cut_and_says_so(examiner: Examiner, base: str, work: Work) -> None:
    commit = work(long__txt="line\n" * 200_000)
    diff = examiner.diff(EXPERIMENT, base, commit, limit_bytes=1000)
    assert len(diff.text) == 1000
    assert diff.is_truncated
    assert diff.files == (FileChange("long.txt", 200_000, 0),)


def test_a_log_goes_back_from_the_tip(examiner: Examiner, base: str, work: Work) -> None:
    first, second = work(program__py="value = 2\n"), work(program__py="value = 3\n")
    entries = examiner.log(EXPERIMENT, second, limit=2)
    assert [(entry.commit_sha, entry.parents) for entry in entries] == [(second, (first,)), (first, (base,))]
    assert entries[0].author == "Ada"


def test_asking_about_what_is_not_there_is_refused(examiner: Examiner, base: str) -> None:
    with pytest.raises(CommitMissing):
        examiner.diff(EXPERIMENT, base, ABSENT)
    with pytest.raises(CommitMissing):
        examiner.log(EXPERIMENT, ABSENT)
    with pytest.raises(RepositoryMissing):
        examiner.branches("exp_" + "0" * 25 + "9")
    with pytest.raises(MalformedName):
        examiner.examine(EXPERIMENT, "--all", [base])
    with pytest.raises(MalformedName):
        examiner.branches(EXPERIMENT, "../tags")


def test_many_repositories_hold_few_processes(examiner: Examiner, repositories: Repositories, source: Path) -> None:
    experiments = [f"exp_{'0' * 24}{number:02}" for number in range(KEPT_OPEN + 3)]
    for experiment in experiments:
        head = repositories.seed(experiment, source, SEEDED_AT)
        assert examiner.examine(experiment, head, [head]).exists
    assert len(repositories._shelf._idle) == KEPT_OPEN
    repositories.close()
    assert repositories._shelf._idle == []


def test_a_reader_that_died_is_an_error_once_and_replaced(
    examiner: Examiner, repositories: Repositories, base: str
) -> None:
    assert examiner.examine(EXPERIMENT, base, []).exists
    reader = repositories._shelf._idle[0]._repo.git.cat_file_all
    assert reader is not None
    os.kill(reader.proc.pid, signal.SIGKILL)
    reader.proc.wait()
    with pytest.raises(GitFailed):
        examiner.examine(EXPERIMENT, base, [])
    assert examiner.examine(EXPERIMENT, base, []).exists


def test_what_arrives_after_the_reader_started_is_found(examiner: Examiner, base: str, work: Work) -> None:
    assert not examiner.examine(EXPERIMENT, ABSENT, []).exists
    assert examiner.examine(EXPERIMENT, work(program__py="value = 7\n"), [base]).exists
