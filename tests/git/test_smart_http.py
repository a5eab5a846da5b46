import base64
import contextlib
import gzip
import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from control_plane.repos.backend import HttpLimits
from control_plane.repos.vend import Repositories
from tests.git.conftest import EXPERIMENT
from tests.git.serving import OWN, SLUG, Served, served
from tests.git.stock import Stock

PACK = "application/x-git-{}-request"


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


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - bytes that do not compress


def basic(credential: str = OWN) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credential.encode()).decode()}


def ask(
    server: Served, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def processes() -> list[tuple[int, str]]:
    """The parent and the arguments of everything that runs here."""
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,args="], capture_output=True, text=True, check=True).stdout
    return [(int(parent), args) for parent, args in (line.split(None, 1) for line in listed.splitlines())]


def backends() -> list[str]:
    """The `git http-backend` processes that are children of this one."""
    return [args for parent, args in processes() if parent == os.getpid() and "http-backend" in args]


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.01)


def test_a_clone_has_every_branch(
    server: Served, clone: Path, bare: Path, base: str, git: Stock, tmp_path: Path
) -> None:
    git("branch", "variant/v1-x", base, cwd=bare)
    git("branch", "work/wkr_zz/v9", base, cwd=bare)
    git("clone", "--quiet", server.url("reader:secret-r"), "again", cwd=tmp_path)
    branches = git("branch", "--remotes", "--format=%(refname:short)", cwd=tmp_path / "again").split()
    assert {"origin/main", "origin/variant/v1-x", "origin/work/wkr_zz/v9"} <= set(branches)
    assert git("rev-parse", "HEAD", cwd=clone) == base


def test_a_worker_pushes_its_own_branch_and_others_fetch_it(
    server: Served, clone: Path, bare: Path, git: Stock, tmp_path: Path
) -> None:
    git("clone", "--quiet", server.url("reader:secret-r"), "other", cwd=tmp_path)
    commit = git.commit(clone, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    git("fetch", "--quiet", "origin", cwd=tmp_path / "other")
    assert git("rev-parse", "origin/work/wkr_a/v1", cwd=tmp_path / "other") == commit
    assert server.pushes == [("wkr_a", EXPERIMENT)]


@pytest.mark.parametrize(
    "refspec",
    [
        "HEAD:refs/heads/main",
        "+HEAD:refs/heads/main",
        ":refs/heads/main",
        "HEAD:refs/heads/work/wkr_ab/v1",
        "HEAD:refs/heads/work/wkr_b/v1",
        "+HEAD:refs/heads/work/wkr_b/taken",
        ":refs/heads/work/wkr_b/taken",
        "HEAD:refs/heads/variant/v1-x",
        "HEAD:refs/heads/other",
        "HEAD:refs/heads/work",
        "HEAD:refs/heads/work/wkr_",
        "HEAD:refs/heads/Work/wkr_a/v1",
        "HEAD:refs/tags/v1",
        "HEAD:refs/notes/commits",
        "HEAD:refs/hidden/x",
        ":refs/heads/work/wkr_a/mine",
    ],
)
def test_everything_else_is_refused(
    server: Served, clone: Path, bare: Path, git: Stock, base: str, refspec: str
) -> None:
    git("branch", "work/wkr_b/taken", base, cwd=bare)
    git("branch", "work/wkr_a/mine", base, cwd=bare)
    git.commit(clone, program__py="value = 2\n")
    before = git("for-each-ref", cwd=bare)
    assert git.tried("push", "origin", refspec, cwd=clone).returncode != 0
    assert git("for-each-ref", cwd=bare) == before
    assert git("symbolic-ref", "HEAD", cwd=bare) == "refs/heads/main"


def test_the_head_of_the_repository_cannot_be_pushed(
    server: Served, clone: Path, bare: Path, git: Stock, base: str
) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    command = f"{base} {commit} HEAD\0 report-status\n"
    body = f"{len(command) + 4:04x}{command}0000".encode()
    body += git.tried("pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode(), cwd=clone).stdout
    headers = basic() | {"Content-Type": PACK.format("receive-pack")}
    status, _, answer = ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", body, headers)
    assert status == 200
    assert b"ng HEAD" in answer
    assert git("rev-parse", "HEAD", cwd=bare) == base


def test_one_refused_branch_does_not_take_the_own_one_down(
    server: Served, clone: Path, bare: Path, git: Stock, base: str
) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    assert git.tried("push", "origin", "HEAD", "HEAD:refs/heads/main", cwd=clone).returncode != 0
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    assert git("rev-parse", "main", cwd=bare) == base


def test_what_was_pushed_is_not_rewritten(server: Served, clone: Path, bare: Path, git: Stock, base: str) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    git("reset", "--quiet", "--hard", base, cwd=clone)
    git.commit(clone, program__py="value = 3\n")
    assert git.tried("push", "--force", "origin", "HEAD", cwd=clone).returncode != 0
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit


def test_a_password_for_one_claim_opens_one_branch(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    url = server.url("wkr_a:for-one-claim")
    assert git.tried("push", url, "HEAD:refs/heads/work/wkr_a/v70", cwd=clone).returncode != 0
    assert git.tried("push", url, "HEAD:refs/heads/work/wkr_a/v1", cwd=clone).returncode != 0
    git("push", url, "HEAD:refs/heads/work/wkr_a/v7", cwd=clone)
    assert git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/work", cwd=bare) == (
        f"refs/heads/work/wkr_a/v7 {commit}"
    )


@pytest.mark.parametrize("credential", ["reader:secret-r", "tagger:secret-t"])
def test_who_has_no_work_branch_pushes_nothing(server: Served, clone: Path, git: Stock, credential: str) -> None:
    git.commit(clone, program__py="value = 2\n")
    refused = git.tried("push", server.url(credential), "HEAD:refs/tags/x", cwd=clone)
    assert refused.returncode != 0
    assert b"403" in refused.stderr


@pytest.mark.parametrize(
    ("credential", "experiment"),
    [("wkr_a:wrong", SLUG), (":", SLUG), ("wkr_b:secret-a", SLUG), (OWN, "unknown")],
)
def test_a_wrong_password_and_an_unknown_experiment_look_the_same(
    server: Served, credential: str, experiment: str
) -> None:
    path = f"/git/{experiment}.git/info/refs?service=git-upload-pack"
    status, headers, body = ask(server, "GET", path, headers=basic(credential))
    assert status == 401
    assert headers["www-authenticate"].startswith('Basic realm="switchyard"')
    assert body == b"a worker's id and token are needed\n"


@pytest.mark.parametrize("value", ["", "Bearer wkr_a:secret-a", "Basic", "Basic !!!", "Basic d2tyX2E=", "Basic /w=="])
def test_an_unreadable_credential_is_none(server: Served, value: str) -> None:
    path = f"/git/{SLUG}.git/info/refs?service=git-upload-pack"
    assert ask(server, "GET", path, headers={"Authorization": value})[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "info/refs", 403),
        ("GET", "info/refs?service=git-upload-archive", 403),
        ("GET", "info/refs?service=git-upload-pack&x=1", 403),
        ("GET", "HEAD", 404),
        ("GET", "objects/info/packs", 404),
        ("GET", "config", 404),
        ("GET", "git-upload-pack", 405),
        ("POST", "info/refs?service=git-upload-pack", 405),
        ("PUT", "git-receive-pack", 405),
        ("POST", "git-upload-archive", 404),
        ("POST", "../x.git/git-upload-pack", 404),
        ("GET", "%2e%2e/info/refs?service=git-upload-pack", 404),
    ],
)
def test_only_smart_http_is_spoken(server: Served, method: str, path: str, status: int) -> None:
    assert ask(server, method, f"/git/{SLUG}.git/{path}", headers=basic())[0] == status


@pytest.mark.parametrize("name", ["..", "%2e%2e", "x/../digits", "a%00b", "", ".digits", "d" * 200])
def test_no_name_leads_out_of_the_repositories(server: Served, name: str) -> None:
    path = f"/git/{name}.git/info/refs?service=git-upload-pack"
    assert ask(server, "GET", path, headers=basic())[0] == 404


def test_an_overlong_header_is_refused(server: Served) -> None:
    path = f"/git/{SLUG}.git/info/refs?service=git-upload-pack"
    assert ask(server, "GET", path, headers=basic() | {"Git-Protocol": "version=2" * 500})[0] == 431


def test_an_experiment_without_a_repository_is_not_found(server: Served, repositories: Repositories) -> None:
    repositories.remove(EXPERIMENT)
    path = f"/git/{SLUG}.git/info/refs?service=git-upload-pack"
    assert ask(server, "GET", path, headers=basic())[0] == 404


def test_the_second_protocol_is_spoken(server: Served) -> None:
    path = f"/git/{SLUG}.git/info/refs?service=git-upload-pack"
    assert b"version 2" in ask(server, "GET", path, headers=basic() | {"Git-Protocol": "version=2"})[2]
    assert b"version 2" not in ask(server, "GET", path, headers=basic())[2]


def test_a_push_of_many_megabytes_comes_in_chunks_and_lasts(
    server: Served, clone: Path, bare: Path, git: Stock
) -> None:
    commit = git.commit(clone, weights__bin=noise(7 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert any(request.get("transfer-encoding") == "chunked" for request in server.requests)
    assert server.received_bytes > 7 << 20
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    git("fsck", "--strict", cwd=bare)


def test_a_push_sends_only_what_is_new(server: Served, clone: Path, git: Stock) -> None:
    git.commit(clone, weights__bin=noise(3 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    server.received_bytes = 0
    git.commit(clone, program__py="value = 4\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=clone)
    assert server.received_bytes < 2000


def test_a_push_over_the_limit_is_413_and_changes_nothing(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    git.commit(clone, weights__bin=noise(13 << 20))
    before = git("for-each-ref", cwd=bare)
    refused = git.tried("push", "origin", "HEAD", cwd=clone)
    assert refused.returncode != 0
    assert b"413" in refused.stderr
    refused = git.tried("-c", "http.postBuffer=20000000", "push", "origin", "HEAD", cwd=clone)
    assert b"413" in refused.stderr
    assert git("for-each-ref", cwd=bare) == before
    until(lambda: not backends() and not list((bare / "objects").glob("tmp_objdir*")))


def test_a_packed_body_does_not_get_past_the_limit(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    commit = git.commit(clone, zeros__bin=b"\0" * (1 << 20))
    pack = git.tried("pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode(), cwd=clone).stdout
    command = f"{'0' * 40} {commit} refs/heads/work/wkr_a/v3\0 report-status\n"
    body = f"{len(command) + 4:04x}{command}0000".encode() + pack + b"\0" * (64 << 20)
    headers = basic() | {"Content-Type": PACK.format("receive-pack"), "Content-Encoding": "gzip"}
    ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", gzip.compress(body), headers)
    sizes = [path.stat().st_size for path in bare.rglob("*") if path.is_file()]
    assert sum(sizes) < 14 << 20


def test_a_fetch_with_a_compressed_body_works(
    server: Served, clone: Path, bare: Path, git: Stock, tmp_path: Path, base: str
) -> None:
    stamps = "".join(
        f"commit refs/heads/many/b{n}\ncommitter A <a@b> {1700000000 + n} +0000\ndata 1\nx\nfrom {base}\n\n"
        for n in range(60)
    )
    git("fast-import", "--quiet", stdin=stamps.encode(), cwd=bare)
    git("clone", "--quiet", server.url(), "many", cwd=tmp_path)
    assert any(request.get("content-encoding") == "gzip" for request in server.requests)
    assert len(git("branch", "--remotes", cwd=tmp_path / "many").splitlines()) == 62


def test_an_encoding_nobody_asked_for_is_refused(server: Served) -> None:
    headers = basic() | {"Content-Type": PACK.format("upload-pack"), "Content-Encoding": "br"}
    assert ask(server, "POST", f"/git/{SLUG}.git/git-upload-pack", b"0000", headers)[0] == 415


def test_who_expects_to_be_told_to_continue_is(server: Served) -> None:
    head = (
        f"POST /git/{SLUG}.git/git-receive-pack HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic()['Authorization']}\r\nContent-Type: {PACK.format('receive-pack')}\r\n"
        "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire, wire.makefile("rb") as answers:
        wire.sendall(head.encode())
        assert answers.readline().startswith(b"HTTP/1.1 100 ")
        answers.readline()
        wire.sendall(b"0000")
        assert answers.readline().startswith(b"HTTP/1.1 200 ")


def test_the_question_whether_more_may_be_sent_is_no_push(server: Served) -> None:
    headers = basic() | {"Content-Type": PACK.format("receive-pack")}
    assert ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", b"0000", headers)[0] == 200
    assert server.pushes == []


def test_ten_clones_at_once_all_arrive(server: Served, clone: Path, git: Stock, tmp_path: Path) -> None:
    commit = git.commit(clone, weights__bin=noise(2 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    running = [
        subprocess.Popen(
            ["git", "clone", "--quiet", "--branch", "work/wkr_a/v1", server.url(), f"copy{number}"],
            cwd=tmp_path,
            env=git.environment,
        )
        for number in range(10)
    ]
    assert [process.wait(60) for process in running] == [0] * 10
    assert {git("rev-parse", "HEAD", cwd=tmp_path / f"copy{number}") for number in range(10)} == {commit}


# Two hundred objects are announced, and the first, a blob of 2**20 bytes, is on its way.
HALF_A_PACK = b"PACK\0\0\0\2\0\0\0\xc8" + b"\xb0\x80\x80\x04" + zlib.compress(noise(1 << 20))[:200_000]


@contextlib.contextmanager
def half_a_push(port: int) -> Iterator[socket.socket]:
    """A push whose pack has begun and does not go on."""
    head = (
        f"POST /git/{SLUG}.git/git-receive-pack HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic()['Authorization']}\r\nContent-Type: {PACK.format('receive-pack')}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    command = f"{'0' * 40} {'1' * 40} refs/heads/work/wkr_a/v1\0 report-status\n"
    body = f"{len(command) + 4:04x}{command}0000".encode() + HALF_A_PACK
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n")
        yield wire


def test_a_client_that_hangs_up_in_a_push_ends_the_process(server: Served, bare: Path, git: Stock) -> None:
    before = git("for-each-ref", cwd=bare)
    with half_a_push(server.port):
        until(lambda: len(backends()) == 1)
    until(lambda: not backends())
    until(lambda: not list((bare / "objects").glob("tmp_objdir*")))
    assert git("for-each-ref", cwd=bare) == before
    assert server.pushes == []


def test_a_client_that_hangs_up_in_a_clone_ends_the_process(server: Served, clone: Path, git: Stock) -> None:
    commit = git.commit(clone, weights__bin=noise(11 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    lines = [f"want {commit} side-band-64k\n", "", "done\n"]
    body = b"".join(f"{len(line) + 4:04x}{line}".encode() if line else b"0000" for line in lines)
    head = (
        f"POST /git/{SLUG}.git/git-upload-pack HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic()['Authorization']}\r\nContent-Type: {PACK.format('upload-pack')}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sendall(head.encode() + body)
        assert wire.recv(1000).startswith(b"HTTP/1.1 200")
        until(lambda: len(backends()) == 1)
    until(lambda: not backends())


@pytest.mark.parametrize("limits", [HttpLimits(requests=1, idle_seconds=0.5)])
def test_a_client_that_falls_silent_is_let_go_and_the_next_is_served(
    server: Served, git: Stock, tmp_path: Path
) -> None:
    with half_a_push(server.port) as wire:
        git("clone", "--quiet", server.url(), "next", cwd=tmp_path)
        assert wire.recv(100).startswith(b"HTTP/1.1 408")
    assert not backends()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_server_that_stops_ends_what_it_started(repositories: Repositories, base: str, bare: Path, loop: str) -> None:
    with served(repositories, HttpLimits(idle_seconds=2), loop) as running, half_a_push(running.port):
        until(lambda: len(backends()) == 1)
    assert not backends()


def test_a_server_killed_in_a_push_leaves_a_sound_repository(
    repositories: Repositories, base: str, bare: Path, git: Stock
) -> None:
    before = git("for-each-ref", cwd=bare)
    argv = [sys.executable, "-m", "tests.git.serving", str(repositories.root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with half_a_push(port):
            until(lambda: bool(list((bare / "objects").glob("tmp_objdir*"))))
            process.kill()
            process.wait()
    until(lambda: not any(str(bare) in args for _, args in processes()))
    assert git("for-each-ref", cwd=bare) == before
    assert repositories.head(EXPERIMENT) == base
    git("fsck", "--strict", cwd=bare)
    repositories.tidy(before=time.time() + 1)
    assert not list((bare / "objects").glob("tmp_objdir*"))
