"""Repositories as bundles: the same refs and commits come out, and nothing of a bad one stays."""

import io
from pathlib import Path

import pytest

from control_plane.repos.bundles import Bundles
from control_plane.repos.vend import Repositories
from store_client.errors import CheckpointInvalid, ExperimentIdConflict
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock

OTHER = EXPERIMENT[:-1] + "2"


@pytest.fixture
def bundle(tmp_path: Path, repositories: Repositories, source: Path, git: Stock) -> bytes:
    """The bundle of a repository with a seed and a pushed branch."""
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", str(repositories.path(EXPERIMENT)), str(checkout), cwd=tmp_path)
    git.commit(checkout, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr/first", cwd=checkout)
    return written(repositories, tmp_path, EXPERIMENT)


def written(repositories: Repositories, folder: Path, experiment_id: str) -> bytes:
    with (folder / "bundle").open("w+b") as file:
        Bundles(repositories).write(experiment_id, file)
        file.seek(0)
        return file.read()


def test_a_repository_comes_out_of_its_bundle_as_it_went_in(
    repositories: Repositories, bundle: bytes, git: Stock
) -> None:
    with Bundles(repositories).unpack(OTHER, io.BytesIO(bundle)) as made:
        assert set(made.branches) == {"main", "work/wkr/first"}
        assert made.missing(made.branches.values()) == set()
        assert made.missing(["a" * 40]) == {"a" * 40}
        made.publish()
    refs = [git("for-each-ref", cwd=repositories.path(each)) for each in (EXPERIMENT, OTHER)]
    assert refs[0] == refs[1]
    assert git("fsck", "--strict", cwd=repositories.path(OTHER)) == ""
    assert repositories.head(OTHER) == repositories.head(EXPERIMENT)
    assert "fsync = all" in (repositories.path(OTHER) / "config").read_text()


def test_what_is_not_published_is_gone(repositories: Repositories, bundle: bytes) -> None:
    before = sorted(repositories.root.iterdir())
    with Bundles(repositories).unpack(OTHER, io.BytesIO(bundle)):
        pass
    for bad in (
        b"",
        b"# v2 git bundle\n",
        b"# v2 git bundle\n" + b"0" * 40 + b" refs/heads/main\n\nPACK",
        bundle[:-30],
    ):
        with pytest.raises(CheckpointInvalid), Bundles(repositories).unpack(OTHER, io.BytesIO(bad)):
            pass
    assert sorted(repositories.root.iterdir()) == before


def test_an_object_that_git_would_not_take_is_not_taken(
    repositories: Repositories, bundle: bytes, git: Stock, tmp_path: Path
) -> None:
    evil = repositories.path(EXPERIMENT)
    blob = git("hash-object", "-w", "--stdin", cwd=evil, stdin=b"[core]\n")
    inner = git("mktree", cwd=evil, stdin=f"100644 blob {blob}\tconfig\n".encode())
    raw = b"40000 .git\0" + bytes.fromhex(inner)
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", cwd=evil, stdin=raw)
    commit = git("commit-tree", tree, "-m", "evil", cwd=evil)
    git("update-ref", "refs/heads/work/wkr/evil", commit, cwd=evil)
    packed = written(repositories, tmp_path, EXPERIMENT)
    with pytest.raises(CheckpointInvalid, match="hasDotgit"), Bundles(repositories).unpack(OTHER, io.BytesIO(packed)):
        pass


def test_a_repository_that_is_there_is_never_replaced(repositories: Repositories, bundle: bytes) -> None:
    with pytest.raises(ExperimentIdConflict):
        Bundles(repositories).must_be_vacant(EXPERIMENT)
    Bundles(repositories).must_be_vacant(OTHER)


def test_without_refs_there_is_nothing_to_bundle(repositories: Repositories, tmp_path: Path, git: Stock) -> None:
    assert written(repositories, tmp_path, OTHER) == b""
    git("init", "--quiet", "--bare", str(repositories.path(OTHER)), cwd=tmp_path)
    assert written(repositories, tmp_path, OTHER) == b""


def test_a_bundle_that_leans_on_another_repository_is_refused(
    repositories: Repositories, bundle: bytes, git: Stock, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    git("bundle", "create", str(part), "refs/heads/work/wkr/first", "^main", cwd=repositories.path(EXPERIMENT))
    with (
        pytest.raises(CheckpointInvalid, match="not in it"),
        Bundles(repositories).unpack(OTHER, io.BytesIO(part.read_bytes())),
    ):
        pass


def test_refs_that_lead_elsewhere_are_refused(repositories: Repositories, bundle: bytes) -> None:
    for ref in (
        b"refs/heads/../../config",
        b"refs/heads/a b",
        b"/etc/passwd",
        b"refs/heads/x.lock",
        b"refs/heads/\xff",
    ):
        bad = bundle.replace(b"refs/heads/work/wkr/first", ref, 1)
        with pytest.raises(CheckpointInvalid), Bundles(repositories).unpack(OTHER, io.BytesIO(bad)):
            pass
