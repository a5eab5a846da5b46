from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from control_plane.repos.backend import HttpLimits
from control_plane.repos.examine import Examiner
from control_plane.repos.squash import EvaluatedVariant, Lineage
from control_plane.repos.vend import Repositories
from store_client import StaticBearer
from tests.git.serving import OWN, Served, served
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock
from web_ui.repos import Clone, Clones


@pytest.fixture
def git(tmp_path: Path) -> Stock:
    return Stock(tmp_path / "home")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An experiment's directory."""
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "program.py").write_text("value = 1\n")
    (folder / "data" / "points.txt").write_text("1 2 3\n")
    return folder


@pytest.fixture
def repositories(tmp_path: Path) -> Iterator[Repositories]:
    made = Repositories(tmp_path / "repos")
    yield made
    made.close()


@pytest.fixture
def base(repositories: Repositories, source: Path) -> str:
    """The first commit of the experiment."""
    return repositories.seed(EXPERIMENT, source, SEEDED_AT)


@pytest.fixture
def bare(repositories: Repositories, base: str) -> Path:
    return repositories.path(EXPERIMENT)


@pytest.fixture
def checkout(tmp_path: Path, bare: Path, git: Stock) -> Path:
    """A clone on the work branch of a variant."""
    folder = tmp_path / "checkout"
    git("clone", "--quiet", str(bare), str(folder), cwd=tmp_path)
    git("checkout", "--quiet", "-b", "work/wkr_a/v1", cwd=folder)
    return folder


@pytest.fixture
def work(checkout: Path, git: Stock) -> Callable[..., str]:
    """Commit files in the checkout and bring its branch into the repository."""

    def commit(**files: str | bytes) -> str:
        sha = git.commit(checkout, **files)
        git("push", "--quiet", "--force", "origin", "HEAD", cwd=checkout)
        return sha

    return commit


@pytest.fixture
def examiner(repositories: Repositories) -> Examiner:
    return Examiner(repositories)


@pytest.fixture
def lineage(repositories: Repositories) -> Lineage:
    return Lineage(repositories)


@pytest.fixture
def evaluated(base: str) -> Callable[..., EvaluatedVariant]:
    usual = EvaluatedVariant(
        variant_id="var-1",
        slug="wider-net",
        idea_id="idea-1",
        commit_sha=base,
        parent_commits=(base,),
        evaluation={"score": 0.5, "name": "größer", "steps": 3, "declined": None},
        completed_at="2026-02-03T04:05:06.789000Z",
    )

    def make(commit_sha: str, **different: Any) -> EvaluatedVariant:
        return replace(usual, commit_sha=commit_sha, **different)

    return make


@pytest.fixture
def limits() -> HttpLimits:
    return HttpLimits(push_bytes=12 << 20)


@pytest.fixture
def server(repositories: Repositories, base: str, limits: HttpLimits) -> Iterator[Served]:
    with served(repositories, limits) as running:
        yield running


@pytest.fixture
def clone(server: Served, git: Stock, tmp_path: Path) -> Path:
    """A stranger's clone over HTTP, on a work branch."""
    folder = tmp_path / "clone"
    git("clone", "--quiet", server.url(), str(folder), cwd=tmp_path)
    git("checkout", "--quiet", "-b", "work/wkr_a/v1", cwd=folder)
    return folder


@pytest.fixture
def mirror(server: Served, tmp_path: Path) -> Clone:
    """The console's clone of the served experiment; nothing is fetched yet."""
    worker_id, _, secret = OWN.partition(":")
    return Clones(tmp_path / "clones", f"http://127.0.0.1:{server.port}").of(
        EXPERIMENT, StaticBearer(worker_id, secret)
    )
