import contextlib
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.repos.backend import HttpLimits
from control_plane.repos.vend import Repositories
from tests.git.asking import PACK, backends, basic, noise, processes, until
from tests.git.serving import SLUG, Served, served
from tests.git.stock import EXPERIMENT, Stock

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


@pytest.mark.parametrize("limits", [HttpLimits(requests=1, idle_seconds=1)])
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
