import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.repos.refusals import (
    RefConflict,
    RepositoryRefused,
)
from control_plane.repos.squash import EvaluatedVariant, Lineage
from tests.git.stock import EXPERIMENT, Stock

ABSENT = "f" * 40
Work = Callable[..., str]
Evaluated = Callable[..., EvaluatedVariant]


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
        start.wait(60)
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
