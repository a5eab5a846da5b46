"""The console's clones under attack: credentials that wander, configs that run things, git that hangs."""

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from control_plane.repos.asked import Scope
from control_plane.repos.backend import Receive, Send
from control_plane.repos.http import GitHttp
from store_client import StaticBearer, Unavailable
from tests.git.serving import Served
from tests.git.stock import EXPERIMENT
from web_ui.git_process import Git
from web_ui.repos import Clone, Clones

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


async def test_the_credential_is_in_the_environment_of_the_fetch_alone(
    mirror: Clone, server: Served, base: str, tmp_path: Path
) -> None:
    """While git talks to the server, the server looks at every process of the machine."""
    arguments: list[str] = []
    environments: list[str] = []
    inner = server.app

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            arguments.append(_read(process / "cmdline"))
            environments.append(_read(process / "environ"))

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        look()
        await inner(scope, receive, send)

    server.app = cast("GitHttp", watched)
    assert await mirror.diff(base, base) is not None
    seen = [text for text in environments if BASIC in text]
    assert seen
    assert all("GIT_CONFIG_VALUE_" in text for text in seen)
    assert [text for text in arguments if SECRET in text or BASIC in text] == []
    written = [file for file in mirror.path.rglob("*") if file.is_file()]
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


async def test_a_redirect_takes_the_credential_nowhere(mirror: Clone, server: Served) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as thief:
        port = thief.sockets[0].getsockname()[1]

        async def redirect(_scope: Scope, _receive: Receive, send: Send) -> None:
            start = {"type": "http.response.start", "status": 302}
            location = f"http://127.0.0.1:{port}/info/refs?service=git-upload-pack".encode()
            await send({**start, "headers": [(b"location", location)]})
            await send({"type": "http.response.body", "body": b""})

        server.app = cast("GitHttp", redirect)
        with pytest.raises(Unavailable):
            await mirror.pushes("work/")
    assert heard == []


async def test_nothing_in_a_clones_own_config_or_in_what_was_pushed_is_run(
    mirror: Clone, base: str, work: Work, tmp_path: Path
) -> None:
    assert await mirror.diff(base, base) is not None
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\necho $0 >> {sprung}\ncat\n")
    trap.chmod(0o755)
    hooks = mirror.path / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("reference-transaction", "post-checkout", "update", "post-index-change"):
        (hooks / hook).symlink_to(trap)
    (mirror.path / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        f"\tfsmonitor = {trap}\n\thooksPath = {hooks}\n\tpager = {trap}\n\taskPass = {trap}\n\tsshCommand = {trap}\n"
        f'[diff]\n\texternal = {trap}\n[diff "x"]\n\ttextconv = {trap}\n\tcommand = {trap}\n'
        f'[filter "x"]\n\tsmudge = {trap}\n\tclean = {trap}\n[credential]\n\thelper = !{trap}\n'
        f"[protocol]\n\tallow = always\n"
    )
    (mirror.path / "info").mkdir(exist_ok=True)
    (mirror.path / "info" / "attributes").write_text("* diff=x filter=x\n")
    commit = work(program__py="value = 2\n", __gitattributes="* diff=x filter=x\n")
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert "+value = 2" in diff.text
    await mirror.preflight(commit, [base])
    await mirror.pushes("work/")
    bad = Clone(mirror.path, mirror.url, StaticBearer(WORKER, "wrong"), mirror.turn, mirror.git)
    with pytest.raises(Unavailable):
        await bad.pushes("work/")
    assert not sprung.exists()


async def test_no_variable_of_the_surroundings_reaches_git(
    mirror: Clone, base: str, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert (await mirror.preflight(commit, [base])).descends
    diff = await mirror.diff(base, commit)
    assert diff is not None
    assert "+value = 2" in diff.text
    assert [push.commit_sha for push in await mirror.pushes("work/")] == [commit]
    assert not sprung.exists()


async def test_a_git_that_hangs_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n(sleep 600 & echo $! > {tmp_path}/child; wait) &\nwait\n")
    program.chmod(0o755)
    began = time.monotonic()
    ended = await asyncio.to_thread(Git(str(program)).run, tmp_path, ["fetch"], seconds=0.5)
    assert ended.status != 0
    assert time.monotonic() - began < 60
    child = Path(f"/proc/{_read(tmp_path / 'child').strip()}/stat")
    async with asyncio.timeout(60):
        while _read(child).rpartition(")")[2].split()[:1] not in ([], ["Z"]):  # noqa: ASYNC110 - the kernel reaps it
            await asyncio.sleep(0.01)
