import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.repos import names, trees
from control_plane.repos.refusals import (
    CommitMissing,
    MalformedName,
    ManifestPresent,
    ParentsNotAncestors,
    RefConflict,
    RepositoryRefused,
    VariantIneligible,
)
from control_plane.repos.squash import EvaluatedVariant, Lineage
from control_plane.repos.vend import Repositories
from tests.git.conftest import EXPERIMENT, SEEDED_AT
from tests.git.stock import Stock

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


def test_publishing_creates_the_branch_once_and_never_moves_it(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, bare: Path, git: Stock
) -> None:
    variant = evaluated(work(program__py="value = 2\n"))
    sha = lineage.squash(EXPERIMENT, variant)
    lineage.publish_variant(EXPERIMENT, variant.branch, sha)
    lineage.publish_variant(EXPERIMENT, variant.branch, sha)
    with pytest.raises(RefConflict) as conflict:
        lineage.publish_variant(EXPERIMENT, variant.branch, base)
    assert conflict.value.found == sha
    assert git("rev-parse", "refs/heads/variant/var-1-wider-net", cwd=bare) == sha


def test_only_variant_branches_are_published_or_withdrawn(lineage: Lineage, base: str) -> None:
    for branch in ("main", "work/wkr_a/v1", "variant", "variant/../main"):
        with pytest.raises(RepositoryRefused):
            lineage.publish_variant(EXPERIMENT, branch, base)
        with pytest.raises(RepositoryRefused):
            lineage.withdraw_variant(EXPERIMENT, branch, base)


def test_of_eight_racing_publishers_one_wins(
    lineage: Lineage, evaluated: Evaluated, work: Work, bare: Path, git: Stock
) -> None:
    commit = work(program__py="value = 2\n")
    shas = [lineage.squash(EXPERIMENT, evaluated(commit, description=str(number))) for number in range(8)]
    start, won, lost = threading.Barrier(8), [], []

    def publish(sha: str) -> None:
        start.wait()
        try:
            lineage.publish_variant(EXPERIMENT, "variant/var-1-wider-net", sha)
            won.append(sha)
        except RefConflict as conflict:
            lost.append(conflict.found)

    threads = [threading.Thread(target=publish, args=(sha,)) for sha in shas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [git("rev-parse", "variant/var-1-wider-net", cwd=bare)] == won
    assert lost == won * 7


def test_eight_integrators_of_one_variant_agree(
    lineage: Lineage, evaluated: Evaluated, work: Work, bare: Path, git: Stock
) -> None:
    variant, made = evaluated(work(program__py="value = 2\n")), []

    def integrate() -> None:
        sha = lineage.squash(EXPERIMENT, variant)
        lineage.publish_variant(EXPERIMENT, variant.branch, sha)
        made.append(sha)

    threads = [threading.Thread(target=integrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [git("rev-parse", variant.branch, cwd=bare)] * 8
    git("fsck", "--strict", cwd=bare)


def test_withdrawing_takes_back_only_what_the_caller_published(
    lineage: Lineage, evaluated: Evaluated, work: Work, base: str, bare: Path, git: Stock
) -> None:
    variant = evaluated(work(program__py="value = 2\n"))
    sha = lineage.squash(EXPERIMENT, variant)
    lineage.publish_variant(EXPERIMENT, variant.branch, sha)
    with pytest.raises(RefConflict):
        lineage.withdraw_variant(EXPERIMENT, variant.branch, base)
    assert git("rev-parse", variant.branch, cwd=bare) == sha
    lineage.withdraw_variant(EXPERIMENT, variant.branch, sha)
    lineage.withdraw_variant(EXPERIMENT, variant.branch, sha)
    assert git("for-each-ref", "refs/heads/variant/", cwd=bare) == ""


def test_branches_nobody_recorded_are_orphans(lineage: Lineage, evaluated: Evaluated, work: Work, base: str) -> None:
    commit = work(program__py="value = 2\n")
    shas = []
    for number in range(3):
        variant = evaluated(commit, variant_id=f"var-{number}")
        shas.append(lineage.squash(EXPERIMENT, variant))
        lineage.publish_variant(EXPERIMENT, variant.branch, shas[-1])
    orphans = lineage.orphans(EXPERIMENT, [shas[0], shas[2], base])
    assert [(orphan.name, orphan.commit_sha) for orphan in orphans] == [("variant/var-1-wider-net", shas[1])]


def test_an_integration_needs_two_processes(
    lineage: Lineage, evaluated: Evaluated, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = work(program__py="value = 2\n")
    lineage.squash(EXPERIMENT, evaluated(commit))
    started: list[object] = []
    spawn = "_execute_child"
    original = getattr(subprocess.Popen, spawn)

    def counting(self: object, arguments: object, *rest: object) -> object:
        started.append(arguments)
        return original(self, arguments, *rest)

    monkeypatch.setattr(subprocess.Popen, spawn, counting)
    variant = evaluated(commit, variant_id="var-2")
    lineage.publish_variant(EXPERIMENT, variant.branch, lineage.squash(EXPERIMENT, variant))
    assert len(started) == 2


NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "ab", ".eden", ".eden.x", ".eden-x", "é", "z", " "])
TREES = st.dictionaries(NAMES, st.sampled_from(["file", "folder"]), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TREES, path=st.lists(NAMES, min_size=1, max_size=3))
def test_a_tree_with_one_file_more_is_the_tree_git_would_write(
    before: dict[str, str], path: list[str], bare: Path, git: Stock, repositories: Repositories
) -> None:
    blob = git("hash-object", "-w", "--stdin", stdin=b"x\n", cwd=bare)
    entries: dict[tuple[str, ...], str] = {
        (name,) if kind == "file" else (name, "inner"): blob for name, kind in before.items()
    }
    wanted = tuple(path)
    is_blocked = any(wanted[:depth] in entries for depth in range(1, len(wanted))) or any(
        entry[: len(wanted)] == wanted and len(entry) > len(wanted) for entry in entries
    )
    if is_blocked:
        return
    index = Stock(git.home, {"GIT_INDEX_FILE": str(bare / "test-index")})
    (bare / "test-index").unlink(missing_ok=True)

    def written(listed: dict[tuple[str, ...], str]) -> str:
        lines = "".join(f"100644 {sha}\t{'/'.join(name)}\n" for name, sha in listed.items())
        index("update-index", "--add", "--index-info", stdin=lines.encode(), cwd=bare)
        return index("write-tree", cwd=bare)

    def write(data: bytes) -> str:
        return git("hash-object", "-w", "-t", "tree", "--stdin", stdin=data, cwd=bare)

    root = written(entries)
    with repositories.objects(EXPERIMENT) as objects:

        def read(sha: str) -> bytes:
            return objects.read(sha, b"tree") or b""

        found = trees.with_file(read(root), tuple(os.fsencode(part) for part in wanted), blob, read, write)
    assert found == written(entries | {wanted: blob})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab./-~^:?*[\\@{ \x7f\té", max_size=8))
def test_ref_names_are_judged_as_git_judges_them(git: Stock, tmp_path: Path, text: str) -> None:
    ref = f"refs/heads/{text}"
    assert names.is_ref(ref) == (git.tried("check-ref-format", ref, cwd=tmp_path).returncode == 0)


def test_a_seed_and_an_integration_need_no_home(repositories: Repositories, source: Path) -> None:
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    assert list(repositories.git.home.iterdir()) == []
