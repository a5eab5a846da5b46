import socket
import subprocess
from pathlib import Path

import pytest

from control_plane.repos.vend import Repositories
from tests.git.asking import PACK, ask, basic, noise
from tests.git.serving import OWN, SLUG, Served
from tests.git.stock import EXPERIMENT, Stock


def test_a_clone_has_every_branch(
    server: Served, clone: Path, bare: Path, base: str, git: Stock, tmp_path: Path
) -> None:
    git("branch", "variant/v1-x", base, cwd=bare)
    git("branch", "work/wkr_zz/v9", base, cwd=bare)
    git("clone", "--quiet", server.url("reader:secret-r"), "again", cwd=tmp_path)
    branches = git("branch", "--remotes", "--format=%(refname:short)", cwd=tmp_path / "again").split()
    assert {"origin/main", "origin/variant/v1-x", "origin/work/wkr_zz/v9"} <= set(branches)
    assert git("rev-parse", "HEAD", cwd=clone) == base


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
