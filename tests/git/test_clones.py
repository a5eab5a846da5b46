"""The console's clones: fetched over HTTP with a credential that nobody else sees, read within bounds, run nothing."""

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from git import Repo

from store_client import StaticBearer, Unavailable
from tests.git.serving import Served
from tests.git.stock import EXPERIMENT, Stock
from web_ui import repos
from web_ui.git_process import Git
from web_ui.repos import Change, Clone, Clones

WORKER, SECRET = "wkr_a", "secret-a"
BASIC = base64.b64encode(f"{WORKER}:{SECRET}".encode()).decode()
Work = Callable[..., str]


@dataclass
class Replaced:
    """A bearer whose first credential has run out."""

    held: list[str] = field(default_factory=lambda: [f"{WORKER}:run-out", f"{WORKER}:{SECRET}"])

    async def current(self) -> str:
        return self.held[0]

    async def replace(self, rejected: str) -> bool:
        self.held = [one for one in self.held if one != rejected] or self.held
        return self.held[0] != rejected


@pytest.fixture
def clone(server: Served, tmp_path: Path) -> Clone:
    """The console's clone of the served experiment; nothing is fetched yet."""
    clones = Clones(tmp_path / "clones", f"http://127.0.0.1:{server.port}")
    return clones.of(EXPERIMENT, StaticBearer(WORKER, SECRET))


async def test_a_diff_fetches_what_it_needs_and_nothing_twice(
    clone: Clone, server: Served, base: str, work: Work
) -> None:
    commit = work(program__py="value = 2\n")
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert diff.changes == (Change("program.py", 1, 1),)
    assert "-value = 1\n+value = 2\n" in diff.text
    assert not diff.is_cut
    asked = len(server.requests)
    assert await clone.diff(commit, base) is not None
    assert len(server.requests) == asked


async def test_a_commit_that_was_pushed_since_is_found(clone: Clone, base: str, work: Work) -> None:
    assert await clone.diff(base, base) is not None
    commit = work(program__py="value = 3\n")
    assert await clone.diff(base, commit) is not None


@pytest.mark.parametrize("name", ["f" * 40, "HEAD", "main", "--output=/tmp/x", "-h", "", "a" * 39, "\x00", "@{-1}"])
async def test_what_is_no_commit_of_ours_has_no_diff(clone: Clone, base: str, name: str) -> None:
    assert await clone.diff(base, name) is None
    assert not (await clone.preflight(name, [base])).is_there


async def test_an_object_that_is_no_commit_has_no_diff(clone: Clone, base: str, bare: Path, git: Stock) -> None:
    tree = git("rev-parse", f"{base}^{{tree}}", cwd=bare)
    assert await clone.diff(base, tree) is None


async def test_a_huge_diff_is_cut_at_a_line_and_never_held_whole(
    clone: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repos, "MAX_DIFF_BYTES", 2_000)
    commit = work(program__py="".join(f"line {number} é\n" for number in range(100_000)))
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert 1_900 < len(diff.text.encode()) <= 2_000
    assert diff.text.endswith("\n")
    assert diff.changes == (Change("program.py", 100_000, 1),)


async def test_a_list_of_very_many_files_is_cut_as_well(
    clone: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repos, "MAX_LIST_BYTES", 100)
    commit = work(**{f"file{number:03}": "x\n" for number in range(50)})
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert 0 < len(diff.changes) < 50
    assert all(change.path.startswith("file") and change.added == 1 for change in diff.changes)


async def test_a_diff_that_takes_too_long_is_given_up(
    clone: Clone, base: str, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = work(program__py="value = 2\n")
    await clone.diff(base, commit)
    slow = tmp_path / "git"
    slow.write_text(f'#!/bin/sh\ncase "$*" in diff*) sleep 600;; *) exec {clone.git.program} "$@";; esac\n')
    slow.chmod(0o755)
    clone.git = Git(str(slow))
    monkeypatch.setattr(repos, "DIFF_SECONDS", 0.2)
    began = time.monotonic()
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert diff.is_cut
    assert time.monotonic() - began < 5


async def test_renamed_binary_and_oddly_named_files_are_told_apart(
    clone: Clone, base: str, work: Work, checkout: Path, git: Stock
) -> None:
    git("mv", "data/points.txt", "data/größe\tmit tab.txt", cwd=checkout)
    commit = work(image__bin=b"\x00\xff" * 500, **{"new\nline": "x\n"})
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert set(diff.changes) == {
        Change("data/größe\tmit tab.txt", 0, 0, "data/points.txt"),
        Change("image.bin", None, None),
        Change("new\nline", 1, 0),
    }
    assert diff.text.count("diff --git ") == 3


async def test_a_file_too_large_to_compare_counts_as_binary(clone: Clone, base: str, work: Work) -> None:
    commit = work(large__txt="0123456789\n" * 500_000)
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert diff.changes == (Change("large.txt", None, None),)
    assert len(diff.text) < 1_000


async def test_a_preflight_says_what_is_wrong_with_a_commit(
    clone: Clone, base: str, work: Work, checkout: Path, git: Stock
) -> None:
    good = work(program__py="value = 2\n")
    facts = await clone.preflight(good, [base])
    assert (facts.is_there, facts.descends, facts.changes_something) == (True, True, True)
    assert facts.changes == (Change("program.py", 1, 1),)
    same = await clone.preflight(base, [base])
    assert (same.descends, same.changes_something) == (True, False)
    git("checkout", "--quiet", "--orphan", "elsewhere", cwd=checkout)
    stranger = git.commit(checkout, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=checkout)
    assert not (await clone.preflight(stranger, [base])).descends


async def test_the_pushes_of_one_worker_are_listed_newest_first(
    clone: Clone, work: Work, checkout: Path, git: Stock
) -> None:
    first = work(program__py="value = 2\n")
    later = git.dated("2026-03-04T05:06:07 +0000")
    second = later.commit(checkout, program__py="value = 3\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=checkout)
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_ab/v1", cwd=checkout)
    pushes = await clone.pushes("work/wkr_a/")
    assert [(push.branch, push.commit_sha) for push in pushes] == [
        ("work/wkr_a/v2", second),
        ("work/wkr_a/v1", first),
    ]
    git("push", "--quiet", "--delete", "origin", "work/wkr_a/v2", cwd=checkout)
    assert [push.branch for push in await clone.pushes("work/wkr_a/")] == ["work/wkr_a/v1"]


async def test_the_credential_is_in_the_environment_of_the_fetch_alone(
    clone: Clone, server: Served, base: str, tmp_path: Path
) -> None:
    """While git talks to the server, the server looks at every process of the machine."""
    arguments: list[str] = []
    environments: list[str] = []
    inner = server.app

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            arguments.append(_read(process / "cmdline"))
            environments.append(_read(process / "environ"))

    async def watched(scope: object, receive: object, send: object) -> None:
        look()
        await inner(scope, receive, send)  # type: ignore[arg-type]

    server.app = watched  # type: ignore[assignment]
    assert await clone.diff(base, base) is not None
    seen = [text for text in environments if BASIC in text]
    assert seen
    assert all("GIT_CONFIG_VALUE_" in text for text in seen)
    assert [text for text in arguments if SECRET in text or BASIC in text] == []
    written = [file for file in clone.path.rglob("*") if file.is_file()]
    assert written
    assert not [file for file in written if SECRET.encode() in file.read_bytes() or BASIC.encode() in file.read_bytes()]


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:
        return ""


async def test_a_credential_that_has_run_out_is_replaced_once(server: Served, base: str, tmp_path: Path) -> None:
    clones = Clones(tmp_path / "clones", f"http://127.0.0.1:{server.port}")
    assert await clones.of(EXPERIMENT, Replaced()).diff(base, base) is not None
    with pytest.raises(Unavailable):
        await clones.of(EXPERIMENT, StaticBearer(WORKER, "wrong")).pushes("work/")


async def test_a_server_that_is_away_is_said_to_be_and_the_clone_recovers(
    clone: Clone, server: Served, base: str, work: Work
) -> None:
    assert await clone.diff(base, base) is not None
    commit = work(program__py="value = 2\n")
    url, clone.url = clone.url, "http://127.0.0.1:9/git/x.git"
    with pytest.raises(Unavailable):
        await clone.diff(base, commit)
    assert await clone.diff(base, base) is not None
    clone.url = url
    assert await clone.diff(base, commit) is not None


async def test_a_redirect_takes_the_credential_nowhere(clone: Clone, server: Served) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as thief:
        port = thief.sockets[0].getsockname()[1]

        async def redirect(_scope: object, _receive: object, send: object) -> None:
            start = {"type": "http.response.start", "status": 302}
            location = f"http://127.0.0.1:{port}/info/refs?service=git-upload-pack".encode()
            await send({**start, "headers": [(b"location", location)]})  # type: ignore[operator]
            await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

        server.app = redirect  # type: ignore[assignment]
        with pytest.raises(Unavailable):
            await clone.pushes("work/")
    assert heard == []


async def test_nothing_in_a_clones_own_config_or_in_what_was_pushed_is_run(
    clone: Clone, base: str, work: Work, tmp_path: Path
) -> None:
    assert await clone.diff(base, base) is not None
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\necho $0 >> {sprung}\ncat\n")
    trap.chmod(0o755)
    hooks = clone.path / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("reference-transaction", "post-checkout", "update", "post-index-change"):
        (hooks / hook).symlink_to(trap)
    (clone.path / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        f"\tfsmonitor = {trap}\n\thooksPath = {hooks}\n\tpager = {trap}\n\taskPass = {trap}\n\tsshCommand = {trap}\n"
        f'[diff]\n\texternal = {trap}\n[diff "x"]\n\ttextconv = {trap}\n\tcommand = {trap}\n'
        f'[filter "x"]\n\tsmudge = {trap}\n\tclean = {trap}\n[credential]\n\thelper = !{trap}\n'
        f"[protocol]\n\tallow = always\n"
    )
    (clone.path / "info").mkdir(exist_ok=True)
    (clone.path / "info" / "attributes").write_text("* diff=x filter=x\n")
    commit = work(program__py="value = 2\n", __gitattributes="* diff=x filter=x\n")
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert "+value = 2" in diff.text
    await clone.preflight(commit, [base])
    await clone.pushes("work/")
    bad = Clone(clone.path, clone.url, StaticBearer(WORKER, "wrong"), clone.turn, clone.git)
    with pytest.raises(Unavailable):
        await bad.pushes("work/")
    assert not sprung.exists()


async def test_no_variable_of_the_surroundings_reaches_git(
    clone: Clone, base: str, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sprung, trap = tmp_path / "sprung", tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 >> {sprung}\n")
    trap.chmod(0o755)
    for name in ("GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_PROXY_COMMAND"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_TRACE", str(sprung))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    commit = work(program__py="value = 2\n")
    assert (await clone.preflight(commit, [base])).descends
    diff = await clone.diff(base, commit)
    assert diff is not None
    assert "+value = 2" in diff.text
    assert [push.commit_sha for push in await clone.pushes("work/")] == [commit]
    assert not sprung.exists()


async def test_whoever_asks_while_a_fetch_runs_shares_the_next_one(
    clone: Clone, server: Served, base: str, work: Work
) -> None:
    commit = work(program__py="value = 2\n")
    everyone = await asyncio.gather(*(clone.pushes("work/") for _ in range(8)))
    assert {push.commit_sha for pushes in everyone for push in pushes} == {commit}
    assert sum(1 for request in server.requests if request["path"].endswith("/info/refs")) <= 2


async def test_a_clone_that_was_broken_off_while_it_was_made_is_made_again(
    clone: Clone, base: str, tmp_path: Path
) -> None:
    clone.path.mkdir(parents=True)
    (clone.path / "config").write_text("")
    assert await clone.diff(base, base) is not None


async def test_a_git_that_hangs_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n(sleep 600 & echo $! > {tmp_path}/child; wait) &\nwait\n")
    program.chmod(0o755)
    began = time.monotonic()
    ended = await asyncio.to_thread(Git(str(program)).run, tmp_path, ["fetch"], seconds=0.5)
    assert ended.status != 0
    assert time.monotonic() - began < 5
    child = Path(f"/proc/{_read(tmp_path / 'child').strip()}/stat")
    async with asyncio.timeout(5):
        while _read(child).rpartition(")")[2].split()[:1] not in ([], ["Z"]):  # noqa: ASYNC110 - the kernel reaps it
            await asyncio.sleep(0.01)


async def test_every_repository_that_was_opened_is_closed(
    clone: Clone, base: str, work: Work, monkeypatch: pytest.MonkeyPatch
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
    await clone.diff(base, commit)
    await clone.diff(base, "f" * 40)
    await clone.preflight(commit, [base])
    await clone.pushes("work/")
    assert len(opened) > 4
    assert {id(repo) for repo in opened} <= {id(repo) for repo in closed}
