import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.repos.backend import HttpLimits
from control_plane.repos.packing import Packer
from control_plane.repos.refusals import MalformedName, RepositoryMissing, SeedRefused
from control_plane.repos.sources import SeedLimits
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock

OTHER = "exp_" + "0" * 25 + "2"


def files(git: Stock, bare: Path) -> list[str]:
    return git("ls-tree", "-r", "--name-only", "main", cwd=bare).splitlines()


def test_a_seed_is_one_commit_on_main_with_the_files_of_the_directory(bare: Path, base: str, git: Stock) -> None:
    assert git("rev-parse", "main", cwd=bare) == base
    assert git("symbolic-ref", "HEAD", cwd=bare) == "refs/heads/main"
    assert git("rev-list", "--count", "--all", cwd=bare) == "1"
    assert files(git, bare) == ["data/points.txt", "program.py"]
    assert git("show", "-s", "--format=%an <%ae> %at %cn <%ce> %ct", "main", cwd=bare) == (
        "Switchyard <switchyard@localhost> 1767225600 Switchyard <switchyard@localhost> 1767225600"
    )
    git("fsck", "--strict", cwd=bare)


def test_the_same_files_and_moment_give_the_same_commit(repositories: Repositories, source: Path, base: str) -> None:
    assert repositories.seed(OTHER, source, SEEDED_AT) == base


def test_another_moment_gives_another_commit(repositories: Repositories, source: Path, base: str) -> None:
    assert repositories.seed(OTHER, source, "2026-01-01T00:00:01Z") != base


def test_seeding_again_answers_the_first_commit_whatever_became_of_the_directory(
    repositories: Repositories, source: Path, base: str
) -> None:
    (source / "program.py").write_text("value = 2\n")
    assert repositories.seed(EXPERIMENT, source, "2027-01-01T00:00:00Z") == base


def test_what_is_ignored_stays_out_and_so_does_what_running_leaves_behind(
    repositories: Repositories, source: Path, git: Stock
) -> None:
    (source / ".gitignore").write_text("*.log\nsecrets/\n")
    for name in ("run.log", "secrets/key", "__pycache__/program.pyc", ".switchyard/admin-token", ".eden/config.yaml"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("x")
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    expected = [".eden/config.yaml", ".gitignore", "data/points.txt", "program.py"]
    assert files(git, repositories.path(EXPERIMENT)) == expected


def test_of_a_checkout_the_files_as_they_lie_there_are_taken(
    repositories: Repositories, source: Path, git: Stock
) -> None:
    git("init", "--quiet", cwd=source)
    git.commit(source)
    (source / "program.py").write_text("value = 3\n")
    (source / "new.py").write_text("")
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    bare = repositories.path(EXPERIMENT)
    assert files(git, bare) == ["data/points.txt", "new.py", "program.py"]
    assert git("show", "main:program.py", cwd=bare) == "value = 3"
    assert git("rev-list", "--count", "--all", cwd=bare) == "1"


def test_links_that_stay_inside_and_executable_files_are_kept_and_pipes_are_not(
    repositories: Repositories, source: Path, git: Stock
) -> None:
    (source / "data" / "link").symlink_to("../program.py")
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    os.mkfifo(source / "pipe")
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    modes = [line[:6] for line in git("ls-tree", "-r", "main", cwd=repositories.path(EXPERIMENT)).splitlines()]
    assert modes == ["120000", "100644", "100644", "100755"]


def link(target: str) -> Callable[[Path], None]:
    return lambda source: (source / "link").symlink_to(target)


def nested(source: Path) -> None:
    inner = source / "inner"
    inner.mkdir()
    Stock(source.parent / "home")("init", "--quiet", cwd=inner)
    (inner / "file").write_text("x")


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (link("/etc/passwd"), "link"),
        (link("../home"), "link"),
        (link("data/../../home"), "link"),
        (link(".git/config"), "link"),
        (nested, "inner/"),
        (lambda source: (source / "big").write_bytes(b"x" * 2001), "big"),
        (lambda source: [(source / f"{n}").write_bytes(b"x" * 1900) for n in range(3)], ""),
        (lambda source: [(source / f"{n}").write_bytes(b"") for n in range(9)], ""),
        (lambda source: [path.unlink() for path in source.rglob("*") if path.is_file()], ""),
        (lambda source: source.rename(source.parent / "elsewhere"), ""),
    ],
    ids=["absolute", "outside", "roundabout", "gitdir", "nested", "big", "heavy", "many", "empty", "missing"],
)
def test_what_cannot_be_seeded_is_named_and_leaves_nothing_behind(
    tmp_path: Path, source: Path, spoil: Callable[[Path], object], path: str
) -> None:
    repositories = Repositories(tmp_path / "repos", SeedLimits(file_bytes=2000, total_bytes=5000, files=8))
    spoil(source)
    with pytest.raises(SeedRefused) as refused:
        repositories.seed(EXPERIMENT, source, SEEDED_AT)
    assert refused.value.path == path
    assert sorted(entry.name for entry in repositories.root.iterdir()) == [".home", ".seeding"]


@pytest.mark.parametrize(
    "name", ["", "../x", "exp_" + "0" * 25, "exp_" + "U" * 26, EXPERIMENT + "\n", EXPERIMENT + "/"]
)
def test_nothing_but_an_experiment_id_becomes_a_path(repositories: Repositories, name: str) -> None:
    with pytest.raises(MalformedName):
        repositories.path(name)


def test_of_many_seedings_at_once_one_makes_it_and_all_agree(repositories: Repositories, source: Path) -> None:
    heads: list[str] = []
    moments = [f"2026-01-01T00:00:0{number}Z" for number in range(6)]
    threads = [
        threading.Thread(target=lambda moment=moment: heads.append(repositories.seed(EXPERIMENT, source, moment)))
        for moment in moments
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heads) == 6
    assert len(set(heads)) == 1


def test_what_an_interrupted_seeding_left_is_cleared_by_the_next(repositories: Repositories, source: Path) -> None:
    leftover = repositories.root / f".{EXPERIMENT}.git.half"
    (leftover / "new").mkdir(parents=True)
    repositories.seed(EXPERIMENT, source, SEEDED_AT)
    assert not leftover.exists()


def test_a_removed_repository_is_gone_and_may_be_removed_again(repositories: Repositories, base: str) -> None:
    repositories.remove(EXPERIMENT)
    repositories.remove(EXPERIMENT)
    with pytest.raises(RepositoryMissing):
        repositories.head(EXPERIMENT)


def test_tidying_takes_what_old_pushes_left_and_not_what_a_new_one_holds(
    repositories: Repositories, bare: Path, base: str, git: Stock
) -> None:
    old, new = bare / "objects" / "tmp_objdir-incoming-a", bare / "objects" / "tmp_objdir-incoming-b"
    for folder in (old, new):
        (folder / "pack").mkdir(parents=True)
        (folder / "pack" / "tmp_pack_x").write_bytes(b"PACK")
    os.utime(old, (1000, 1000))
    repositories.tidy(before=2000)
    assert not old.exists()
    assert new.exists()
    assert base in (bare / "packed-refs").read_text()
    git("fsck", "--strict", cwd=bare)


def test_branches_are_packed_where_many_are_loose_whatever_a_packing_left_that_was_cut_off(
    repositories: Repositories, bare: Path, base: str, git: Stock
) -> None:
    for number in range(5):
        git("update-ref", f"refs/heads/work/wkr_a/v{number}", base, cwd=bare)
    (bare / "refs/heads/work/wkr_a/.place").touch()
    for name in ("packed-refs.lock", "packed-refs.new"):
        (bare / name).write_text("cut off")
        os.utime(bare / name, (1500, 1500))
    late = 2000 + HttpLimits().total_seconds
    assert Packer(repositories, 7, lambda: late).round() == 0
    assert Packer(repositories, 6, lambda: late - 1000).round() == 1  # somebody may be at it
    assert not (bare / "packed-refs").exists()
    assert Packer(repositories, 6, lambda: late).round() == 1
    assert (bare / "packed-refs").read_text().count(base) == 6
    assert not (bare / "packed-refs.lock").exists()
    assert Packer(repositories, 1).round() == 0
