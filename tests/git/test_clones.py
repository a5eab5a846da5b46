"""The console's clones: fetched when something is asked for that they lack, and read within bounds."""

import asyncio
import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from git import Repo

from store_client import Unavailable
from tests.git.serving import Served
from tests.git.stock import Stock
from web_ui import repos
from web_ui.git_process import Git
from web_ui.repos import Change, Clone

WORKER, SECRET = "wkr_a", "secret-a"
BASIC = base64.b64encode(f"{WORKER}:{SECRET}".encode()).decode()
Work = Callable[..., str]


async def test_a_diff_fetches_what_it_needs_and_nothing_twice(
    mirror: Clone, server: Served, base: str, work: Work
) -> None:
    commit = work(program__py="value = 2\n")
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert diff.changes == (Change("program.py", 1, 1),)
    assert "-value = 1\n+value = 2\n" in diff.text
    assert not diff.is_cut
    asked = len(server.requests)
    assert await mirror.diff(commit, base) is not None
    assert len(server.requests) == asked


async def test_a_commit_that_was_pushed_since_is_found(mirror: Clone, base: str, work: Work) -> None:
    assert await mirror.diff(base, base) is not None
    commit = work(program__py="value = 3\n")
    assert await mirror.diff(base, commit) is not None


@pytest.mark.parametrize("name", ["f" * 40, "HEAD", "main", "--output=/tmp/x", "-h", "", "a" * 39, "\x00", "@{-1}"])
async def test_what_is_no_commit_of_ours_has_no_diff(mirror: Clone, base: str, name: str) -> None:
    assert await mirror.diff(base, name) is None
    assert not (await mirror.preflight(name, [base])).is_there


async def test_an_object_that_is_no_commit_has_no_diff(mirror: Clone, base: str, bare: Path, git: Stock) -> None:
    tree = git("rev-parse", f"{base}^{{tree}}", cwd=bare)
    assert await mirror.diff(base, tree) is None


async def test_a_huge_diff_is_cut_at_a_line_and_never_held_whole(
    mirror: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repos, "MAX_DIFF_BYTES", 2_000)
    commit = work(program__py="".join(f"line {number} é\n" for number in range(100_000)))
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert 1_900 < len(diff.text.encode()) <= 2_000
    assert diff.text.endswith("\n")
    assert diff.changes == (Change("program.py", 100_000, 1),)


async def test_a_list_of_very_many_files_is_cut_as_well(
    mirror: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repos, "MAX_LIST_BYTES", 100)
    commit = work(**{f"file{number:03}": "x\n" for number in range(50)})
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert 0 < len(diff.changes) < 50
    assert all(change.path.startswith("file") and change.added == 1 for change in diff.changes)


async def test_a_diff_that_takes_too_long_is_given_up(
    mirror: Clone, base: str, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = work(program__py="value = 2\n")
    await mirror.diff(base, commit)
    slow = tmp_path / "git"
    slow.write_text(f'#!/bin/sh\ncase " $* " in *" diff "*) sleep 600;; *) exec {mirror.git.program} "$@";; esac\n')
    slow.chmod(0o755)
    mirror.git = Git(str(slow))
    monkeypatch.setattr(repos, "DIFF_SECONDS", 0.2)
    began = time.monotonic()
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert time.monotonic() - began < 60


async def test_renamed_binary_and_oddly_named_files_are_told_apart(
    mirror: Clone, base: str, work: Work, checkout: Path, git: Stock
) -> None:
    git("mv", "data/points.txt", "data/größe\tmit tab.txt", cwd=checkout)
    commit = work(image__bin=b"\x00\xff" * 500, **{"new\nline": "x\n"})
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert set(diff.changes) == {
        Change("data/größe\tmit tab.txt", 0, 0, "data/points.txt"),
        Change("image.bin", None, None),
        Change("new\nline", 1, 0),
    }
    assert diff.text.count("diff --git ") == 3


async def test_a_file_too_large_to_compare_counts_as_binary(mirror: Clone, base: str, work: Work) -> None:
    commit = work(large__txt="0123456789\n" * 500_000)
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert diff.changes == (Change("large.txt", None, None),)
    assert len(diff.text) < 1_000


async def test_a_preflight_says_what_is_wrong_with_a_commit(
    mirror: Clone, base: str, work: Work, checkout: Path, git: Stock
) -> None:
    good = work(program__py="value = 2\n")
    facts = await mirror.preflight(good, [base])
    assert (facts.is_there, facts.descends, facts.changes_something) == (True, True, True)
    assert facts.changes == (Change("program.py", 1, 1),)
    same = await mirror.preflight(base, [base])
    assert (same.descends, same.changes_something) == (True, False)
    git("checkout", "--quiet", "--orphan", "elsewhere", cwd=checkout)
    stranger = git.commit(checkout, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=checkout)
    assert not (await mirror.preflight(stranger, [base])).descends


async def test_the_pushes_of_one_worker_are_listed_newest_first(
    mirror: Clone, work: Work, checkout: Path, git: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work(program__py="value = 2\n")
    later = git.dated("2026-03-04T05:06:07 +0000")
    second = later.commit(checkout, program__py="value = 3\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=checkout)
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_ab/v1", cwd=checkout)
    pushes = await mirror.pushes("work/wkr_a/")
    assert [(push.branch, push.commit_sha) for push in pushes] == [
        ("work/wkr_a/v2", second),
        ("work/wkr_a/v1", first),
    ]
    monkeypatch.setattr(repos, "MOST_PUSHES", 1)
    assert [push.commit_sha for push in await mirror.pushes("work/wkr_a/")] == [second]
    assert (
        await mirror.pushes("work/wkr_a/", "work/wkr_a/v1") == pushes
    )  # the one that is asked for is there, however old
    git("push", "--quiet", "--delete", "origin", "work/wkr_a/v2", cwd=checkout)
    assert [push.branch for push in await mirror.pushes("work/wkr_a/")] == ["work/wkr_a/v1"]


async def test_only_branches_beside_those_that_are_asked_for_are_fetched(
    mirror: Clone, base: str, work: Work, checkout: Path, git: Stock
) -> None:
    commit = work(program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_ab/v1", cwd=checkout)
    assert [push.commit_sha for push in await mirror.pushes("work/wkr_a/", "work/wkr_a/v7")] == [commit]
    assert git("for-each-ref", "--format=%(refname)", cwd=mirror.path) == "refs/heads/work/wkr_a/v1"
    assert await mirror.pushes("work/wkr_b/") == ()
    git("push", "--quiet", "origin", f"{base}:refs/heads/work/wkr_b/v1", cwd=checkout)
    assert [push.commit_sha for push in await mirror.pushes("work/wkr_b/v1")] == [base]
    assert await mirror.diff(base, commit) is not None
    assert [push.branch for push in await mirror.pushes("main")] == ["main"]  # it is in no folder
    assert len(git("for-each-ref", cwd=mirror.path).splitlines()) == 4


async def test_commits_that_are_missing_are_fetched_by_their_ids_and_no_branch_with_them(
    mirror: Clone, server: Served, base: str, work: Work, bare: Path, git: Stock
) -> None:
    commit = work(program__py="value = 2\n")
    git("update-ref", "-d", "refs/heads/work/wkr_a/v1", cwd=bare)  # no branch leads to it any more
    both = await asyncio.gather(mirror.diff(base, commit), mirror.diff(base, commit))
    assert [diff.changes for diff in both if diff] == [(Change("program.py", 1, 1),)] * 2
    kept = git("for-each-ref", "--format=%(refname)", cwd=mirror.path).splitlines()
    assert kept == sorted(f"refs/kept/{sha}" for sha in (base, commit))
    assert sum(1 for request in server.requests if request["path"].endswith("/info/refs")) == 1
    git("gc", "--quiet", "--prune=now", cwd=mirror.path)
    assert await mirror.diff(base, commit) == both[0]


async def test_a_server_that_is_away_is_said_to_be_and_the_clone_recovers(
    mirror: Clone, server: Served, base: str, work: Work
) -> None:
    assert await mirror.diff(base, base) is not None
    commit = work(program__py="value = 2\n")
    url, mirror.url = mirror.url, "http://127.0.0.1:9/git/x.git"
    with pytest.raises(Unavailable):
        await mirror.diff(base, commit)
    assert await mirror.diff(base, base) is not None
    mirror.url = url
    assert await mirror.diff(base, commit) is not None


async def test_whoever_asks_while_a_fetch_runs_shares_the_next_one(
    mirror: Clone, server: Served, base: str, work: Work
) -> None:
    commit = work(program__py="value = 2\n")
    everyone = await asyncio.gather(*(mirror.pushes("work/") for _ in range(8)))
    assert {push.commit_sha for pushes in everyone for push in pushes} == {commit}
    assert sum(1 for request in server.requests if request["path"].endswith("/info/refs")) <= 2


async def test_a_clone_that_was_broken_off_while_it_was_made_is_made_again(
    mirror: Clone, base: str, tmp_path: Path
) -> None:
    mirror.path.mkdir(parents=True)
    (mirror.path / "config").write_text("")
    assert await mirror.diff(base, base) is not None


async def test_every_repository_that_was_opened_is_closed(
    mirror: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    closed: list[object] = []
    begin, close = Repo.__enter__, Repo.close

    def note_begin(repo: Repo) -> Repo:
        opened.append(repo)
        return begin(repo)

    def note_close(repo: Repo) -> None:
        closed.append(repo)
        close(repo)

    monkeypatch.setattr(Repo, "__enter__", note_begin)
    monkeypatch.setattr(Repo, "close", note_close)
    commit = work(program__py="value = 2\n")
    await mirror.diff(base, commit)
    await mirror.diff(base, "f" * 40)
    await mirror.preflight(commit, [base])
    await mirror.pushes("work/")
    assert len(opened) > 4
    assert {id(repo) for repo in opened} <= {id(repo) for repo in closed}
