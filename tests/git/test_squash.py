import json
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.repos.refusals import (
    CommitMissing,
    MalformedName,
    ManifestPresent,
    ParentsNotAncestors,
    RepositoryRefused,
    VariantIneligible,
)
from control_plane.repos.squash import EvaluatedVariant, Lineage
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock

ABSENT = "f" * 40
Work = Callable[..., str]
Evaluated = Callable[..., EvaluatedVariant]


def test_the_commit_is_exactly_what_the_protocol_asks(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, bare: Path, git: Stock
) -> None:
    commit = work(program__py="value = 2\n")
    sha = lineage.squash(EXPERIMENT, evaluated(commit))
    tree = git("rev-parse", f"{sha}^{{tree}}", cwd=bare)
    assert git("cat-file", "-p", sha, cwd=bare) == (
        f"tree {tree}\n"
        f"parent {base}\n"
        "author Switchyard <switchyard@localhost> 1770091506 +0000\n"
        "committer Switchyard <switchyard@localhost> 1770091506 +0000\n"
        "\n"
        "variant: var-1 wider-net"
    )
    added = git("diff-tree", "-r", "--name-status", commit, sha, cwd=bare)
    assert added == "A\t.eden/variants/var-1/evaluation.json"
    git("fsck", "--strict", cwd=bare)


def test_the_manifest_copies_the_variant(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, bare: Path, git: Stock
) -> None:
    commit = work(program__py="value = 2\n")
    sha = lineage.squash(EXPERIMENT, evaluated(commit, artifacts_uri="artifact:1", description="a wider net"))
    shown = git("show", f"{sha}:.eden/variants/var-1/evaluation.json", cwd=bare)
    assert json.loads(shown) == {
        "variant_id": "var-1",
        "idea_id": "idea-1",
        "commit_sha": commit,
        "parent_commits": [base],
        "evaluation": {"score": 0.5, "name": "größer", "steps": 3, "declined": None},
        "completed_at": "2026-02-03T04:05:06.789000Z",
        "artifacts_uri": "artifact:1",
        "description": "a wider net",
    }
    bare_one = json.loads(
        git(
            "show",
            f"{lineage.squash(EXPERIMENT, evaluated(commit))}:.eden/variants/var-1/evaluation.json",
            cwd=bare,
        )
    )
    assert bare_one.keys().isdisjoint({"artifacts_uri", "description"})


def test_two_integrators_make_the_same_commit(
    lineage: Lineage, evaluated: Evaluated, work: Work, bare: Path, tmp_path: Path, git: Stock
) -> None:
    variant = evaluated(work(program__py="value = 2\n"))
    other = Repositories(tmp_path / "elsewhere")
    git("clone", "--quiet", "--bare", str(bare), str(other.path(EXPERIMENT)), cwd=tmp_path)
    assert Lineage(other).squash(EXPERIMENT, variant) == lineage.squash(EXPERIMENT, variant)
    other.close()


def test_several_parents_stay_in_order(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, bare: Path, git: Stock
) -> None:
    first = work(program__py="value = 2\n")
    commit = work(program__py="value = 3\n")
    for parents in ((first, base), (base, first)):
        sha = lineage.squash(EXPERIMENT, evaluated(commit, parent_commits=parents))
        assert git("rev-list", "--parents", "--max-count=1", sha, cwd=bare).split()[1:] == list(parents)


def test_manifests_of_ancestors_and_odd_entries_stay_as_they_are(
    lineage: Lineage, evaluated: Evaluated, work: Work, checkout: Path, bare: Path, git: Stock
) -> None:
    inherited = checkout / ".eden" / "variants" / "var-0"
    inherited.mkdir(parents=True)
    (inherited / "evaluation.json").write_text("{}")
    (checkout / ".eden.d").write_text("sorts before .eden/")
    (checkout / "link").symlink_to("program.py")
    (checkout / "program.py").chmod(0o755)
    commit = work()
    sha = lineage.squash(EXPERIMENT, evaluated(commit))
    added = git("diff-tree", "-r", "--name-status", commit, sha, cwd=bare)
    assert added == "A\t.eden/variants/var-1/evaluation.json"
    git("fsck", "--strict", cwd=bare)


def test_a_variant_that_brings_its_own_manifest_is_refused(
    lineage: Lineage, evaluated: Evaluated, work: Work, checkout: Path
) -> None:
    folder = checkout / ".eden" / "variants" / "var-1"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text('{"score": 1000}')
    with pytest.raises(ManifestPresent):
        lineage.squash(EXPERIMENT, evaluated(work()))


def test_a_file_where_the_manifest_needs_a_directory_is_refused(
    lineage: Lineage, evaluated: Evaluated, work: Work
) -> None:
    with pytest.raises(VariantIneligible):
        lineage.squash(EXPERIMENT, evaluated(work(__eden="in the way")))


def test_a_commit_or_parent_that_is_missing_is_refused(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str
) -> None:
    with pytest.raises(CommitMissing):
        lineage.squash(EXPERIMENT, evaluated(ABSENT))
    with pytest.raises(CommitMissing):
        lineage.squash(EXPERIMENT, evaluated(work(program__py="value = 2\n"), parent_commits=(base, ABSENT)))


def test_parents_that_are_no_ancestors_are_refused(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, checkout: Path, git: Stock
) -> None:
    sibling = work(program__py="value = 2\n")
    git("checkout", "--quiet", "-b", "work/wkr_a/v2", base, cwd=checkout)
    commit = work(program__py="value = 3\n")
    with pytest.raises(ParentsNotAncestors):
        lineage.squash(EXPERIMENT, evaluated(commit, parent_commits=(sibling,)))
    with pytest.raises(VariantIneligible):
        lineage.squash(EXPERIMENT, evaluated(commit, parent_commits=()))


@pytest.mark.parametrize(
    "variant_id", ["", "a b", "a..b", "../../x", "a/", "/a", ".git", "x/.git", "a~1", "a:b", "a\n"]
)
def test_an_id_that_cannot_be_a_branch_is_refused(
    lineage: Lineage, evaluated: Evaluated, base: str, variant_id: str
) -> None:
    with pytest.raises(MalformedName):
        lineage.squash(EXPERIMENT, evaluated(base, variant_id=variant_id))


def test_a_refused_variant_leaves_no_branch(lineage: Lineage, evaluated: Evaluated, bare: Path, git: Stock) -> None:
    before = git("for-each-ref", cwd=bare)
    with pytest.raises(RepositoryRefused):
        lineage.squash(EXPERIMENT, evaluated(ABSENT))
    assert git("for-each-ref", cwd=bare) == before


def test_a_seed_and_an_integration_need_no_home(repositories: Repositories, source: Path) -> None:
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    assert list(repositories.git.home.iterdir()) == []
