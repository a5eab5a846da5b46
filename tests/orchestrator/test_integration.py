"""Integration against real repositories: commit, branch and record agree, whatever moment fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from control_plane import wiring
from control_plane.db.transaction import Tx
from control_plane.orchestrator.loop import Orchestrator
from control_plane.orchestrator.ports import Variants
from control_plane.repos.examine import Examiner
from control_plane.repos.squash import Lineage
from control_plane.repos.vend import Repositories
from control_plane.task_store.operations import variants
from store_client.errors import InvalidPrecondition, Unavailable
from store_client.wire.tasks import TaskState
from store_client.wire.variants import IntegrateVariant
from tests.orchestrator.desk_house import DeskHouse
from tests.scheduler.repositories import commit, git


class Interrupted(Exception):
    """The process ends here."""


class VariantsBut:
    """The store's operations on variants, with one of them replaced."""

    def __init__(self, integrate: Callable[[Tx, str, IntegrateVariant], None]) -> None:
        self.integrate = integrate

    def __getattr__(self, name: str) -> Any:
        return getattr(variants, name)


class Lab:
    """The desk house over a real repository."""

    def __init__(self, desk: DeskHouse, folder: Path) -> None:
        self.desk, self.tree = desk, folder / "tree"
        source = folder / "source"
        source.mkdir()
        (source / "program.py").write_text("value = 0\n")
        self.repositories = Repositories(folder / "repos")
        experiment_id = desk.store.experiment_id
        self.base = self.repositories.seed(experiment_id, source, "2026-01-01T00:00:00Z")
        self.bare = self.repositories.path(experiment_id)
        git(folder, "clone", "--quiet", str(self.bare), str(self.tree))
        desk.store.set(base_commit_sha=self.base)
        real = wiring.wings("", Examiner(self.repositories), Lineage(self.repositories)).repository
        desk.wings = replace(desk.wings, repository=real)

    def push(self, text: str) -> str:
        """A commit on the seed, in the repository."""
        git(self.tree, "checkout", "--quiet", "--detach", self.base)
        (self.tree / "program.py").write_text(text)
        sha = commit(self.tree)
        git(self.tree, "push", "--quiet", "--force", "origin", f"{sha}:refs/heads/work/wkr_bob/{sha[:8]}")
        return sha

    def success(self, text: str = "value = 1\n") -> str:
        """A variant that waits for its integration."""
        sha, store = self.push(text), self.desk.store
        idea_id = store.idea(parent_commits=(self.base,))
        task_id = store.task("execution", idea_id)
        store.claim(task_id)
        variant_id = store.variant(idea_id, parent_commits=(self.base,))
        store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha)
        store.accept(task_id)
        store.evaluated(variant_id, accuracy=0.5)
        return variant_id

    def branches(self) -> dict[str, str]:
        lines = git(self.bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/variant")
        return dict(line.split() for line in lines.splitlines())

    def integrating(self, integrate: Callable[[Tx, str, IntegrateVariant], None]) -> None:
        """One round of an orchestrator whose store integrates like this."""
        wings = replace(self.desk.wings, variants=VariantsBut(integrate))
        orchestrator = Orchestrator(self.desk.store.house, wings)
        orchestrator.round()
        orchestrator.stop()


@pytest.fixture
def lab(desk: DeskHouse, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(desk, tmp_path)
    yield made
    made.repositories.close()


def test_a_success_becomes_one_branch_one_record_and_one_event(lab: Lab) -> None:
    variant_id = lab.success()
    lab.desk.settle()
    ((branch, commit_sha),) = lab.branches().items()
    assert branch.startswith(f"variant/{variant_id}-")
    assert lab.desk.variant(variant_id).variant_commit_sha == commit_sha
    assert git(lab.bare, "rev-parse", f"{commit_sha}^@") == lab.base
    assert len(lab.desk.told("variant.integrated")) == 1


def test_commits_are_judged_by_what_git_says(lab: Lab) -> None:
    store = lab.desk.store
    lab.desk.configure(parallel_variants=10)
    unrelated = git(lab.tree, "commit-tree", "-m", "unrelated", f"{lab.base}^{{tree}}")
    unchanged = git(lab.tree, "commit-tree", "-m", "unchanged", "-p", lab.base, f"{lab.base}^{{tree}}")
    for sha in (unrelated, unchanged):
        git(lab.tree, "push", "--quiet", "origin", f"{sha}:refs/heads/work/wkr_bob/{sha[:8]}")
    expected = {lab.push("value = 2\n"): "completed", unrelated: "failed", "f" * 40: "failed", unchanged: "failed"}
    for sha in expected:
        task_id = store.task("execution", store.idea(parent_commits=(lab.base,)))
        store.claim(task_id)
        idea_id = str(lab.desk.tasks("execution")[-1].payload["idea_id"])
        variant_id = store.variant(idea_id, parent_commits=(lab.base,))
        store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha)
    lab.desk.settle()
    assert [task.state.value for task in lab.desk.tasks("execution")] == list(expected.values())
    assert {data["reason"] for data in lab.desk.told("task.failed")} == {"validation_error"}


def test_a_crash_between_branch_and_record_is_finished_by_the_next_round(lab: Lab) -> None:
    variant_id = lab.success()

    def crash(_tx: Tx, _variant_id: str, _body: IntegrateVariant) -> None:
        raise Interrupted

    lab.integrating(crash)
    (published,) = lab.branches().values()
    assert lab.desk.variant(variant_id).variant_commit_sha is None
    lab.desk.settle()
    assert lab.desk.variant(variant_id).variant_commit_sha == published
    assert list(lab.branches().values()) == [published]


def test_when_the_store_refuses_the_branch_is_taken_back(lab: Lab) -> None:
    variant_id = lab.success()

    def refuse(_tx: Tx, _variant_id: str, _body: IntegrateVariant) -> None:
        raise InvalidPrecondition("not today")

    lab.integrating(refuse)
    assert lab.branches() == {}
    lab.desk.settle()
    assert len(lab.branches()) == 1
    assert lab.desk.variant(variant_id).variant_commit_sha in lab.branches().values()


def test_when_the_stores_answer_is_lost_the_branch_stays_and_the_next_round_finds_out(lab: Lab) -> None:
    variant_id = lab.success()
    for has_landed in (False, True):

        def be_cut_off(tx: Tx, variant_id: str, body: IntegrateVariant, *, has_landed: bool = has_landed) -> None:
            if has_landed:
                variants.integrate(tx.at(lab.desk.store.experiment_id), variant_id, body)
            raise Unavailable("no answer")

        lab.integrating(be_cut_off)
        assert len(lab.branches()) == 1
    lab.desk.settle()
    assert lab.desk.variant(variant_id).variant_commit_sha in lab.branches().values()
    assert len(lab.desk.told("variant.integrated")) == 1


def test_a_new_orchestrator_takes_back_branches_that_can_never_be_recorded(lab: Lab) -> None:
    kept, lost = lab.success("value = 1\n"), lab.success("value = 2\n")
    lab.desk.settle()
    kept_branch = next(branch for branch in lab.branches() if branch.startswith(f"variant/{kept}-"))
    lost_commit = lab.desk.variant(lost).variant_commit_sha
    stray = git(lab.tree, "commit-tree", "-m", "variant: v-nobody stray", f"{lab.base}^{{tree}}")
    other = git(lab.tree, "commit-tree", "-m", f"variant: {lost} again", f"{lab.base}^{{tree}}")
    for name, sha in {"v-nobody-stray": stray, f"{lost}-again": other}.items():
        git(lab.tree, "push", "--quiet", "--force", "origin", f"{sha}:refs/heads/work/wkr_bob/x")
        git(lab.bare, "update-ref", f"refs/heads/variant/{name}", sha)
    assert len(lab.branches()) == 4
    lab.desk.orchestrator().round()
    assert len(lab.branches()) == 2
    assert kept_branch in lab.branches()
    assert lost_commit in lab.branches().values()


def test_a_variant_that_git_will_not_take_holds_up_no_other(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    orchestrator = lab.desk.orchestrator()
    broken = lab.success("value = 1\n")
    sha = lab.desk.variant(broken).commit_sha
    git(lab.bare, "update-ref", "-d", f"refs/heads/work/wkr_bob/{str(sha)[:8]}")
    git(lab.bare, "prune", "--expire=now")
    good = lab.success("value = 2\n")
    for _ in range(3):
        orchestrator.round()
    assert lab.desk.variant(broken).variant_commit_sha is None
    assert lab.desk.variant(good).variant_commit_sha is not None
    assert sum("cannot be integrated" in record.getMessage() for record in caplog.records) == 1
    assert lab.desk.tasks("execution", TaskState.PENDING) == []


def test_the_port_is_what_the_store_offers() -> None:
    port: Variants = VariantsBut(variants.integrate)
    assert port.read is variants.read
