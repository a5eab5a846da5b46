"""The console as a process of its own, beside a control plane that comes and goes."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from store_client import ControlPlaneClient, FileBearer, Transport
from tests.machine import free_port
from tests.web.reading import says
from web_ui import settings
from web_ui.__main__ import address, listen
from web_ui.settings import Settings, kept_key, parse

PATIENCE_SECONDS = 60


@dataclass
class Part:
    """A running part of a deployment."""

    process: asyncio.subprocess.Process
    ready: dict[str, str] = field(default_factory=dict)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop the process; the seconds that it took."""
        began = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)
        return time.monotonic() - began


@asynccontextmanager
async def running(module: str, *arguments: str, stderr: int | None = None) -> AsyncIterator[Part]:
    """A part from its ready line on; killed afterwards if it still runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdout=pipe, stderr=stderr)
    part = Part(process)
    try:
        assert process.stdout is not None
        part.ready = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS))
        yield part
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def plane_arguments(data: Path, port: int = 0) -> tuple[str, ...]:
    return ("control_plane", "--data", str(data), "--port", str(port), "--no-orchestrator", "--no-scheduler")


async def sign_in(browser: httpx.AsyncClient, data: Path, control_plane_url: str) -> None:
    transport = Transport(control_plane_url)
    code = await ControlPlaneClient(transport, FileBearer(data / "admin-token", "admin")).create_sign_in_code()
    await transport.aclose()
    answer = await browser.post("/signin", data={"code": code.code})
    assert answer.status_code == 303, says(answer)


async def test_stopping_with_open_streams_takes_no_time(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(running(*plane_arguments(tmp_path)))
        url = plane.ready["control_plane"]
        arguments = ("--data", str(tmp_path), "--port", "0", "--control-plane-url", url)
        console = await stack.enter_async_context(running("web_ui", *arguments, stderr=asyncio.subprocess.PIPE))
        web = console.ready["web"]
        headers = {"Origin": web}
        browser = await stack.enter_async_context(httpx.AsyncClient(base_url=web, headers=headers, timeout=60))
        await sign_in(browser, tmp_path, url)
        for _ in range(5):
            stream = await stack.enter_async_context(browser.stream("GET", "/live"))
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("event: hello"):
                    break
        await console.stop()
        assert console.process.stderr is not None
        # The streams keep being open; a server that waits for them says so when its seconds of grace are over.
        assert b"graceful shutdown exceeded" not in await console.process.stderr.read()
        assert console.process.returncode in {0, -signal.SIGTERM}  # ended by itself, and then as the signal says


async def test_a_control_plane_that_starts_again_without_its_credentials_gives_new_ones_and_nobody_notices(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(running(*plane_arguments(tmp_path)))
        url = plane.ready["control_plane"]
        port = int(url.rpartition(":")[2])
        arguments = ("--data", str(tmp_path), "--port", "0", "--control-plane-url", url)
        console = await stack.enter_async_context(running("web_ui", *arguments))
        web = console.ready["web"]
        browser = await stack.enter_async_context(httpx.AsyncClient(base_url=web, headers={"Origin": web}, timeout=60))
        await sign_in(browser, tmp_path, url)
        assert (await browser.get("/")).status_code == 200
        token = (tmp_path / "console-token").read_text()
        await plane.stop(signal.SIGKILL)
        away = await browser.get("/")
        assert away.status_code == 503
        assert "does not answer" in says(away)
        (tmp_path / "console-token").unlink()
        await stack.enter_async_context(running(*plane_arguments(tmp_path, port)))
        assert (tmp_path / "console-token").read_text() != token
        answer = await browser.get("/")
        assert answer.status_code == 200, says(answer)


async def test_the_console_starts_before_the_control_plane_and_waits_for_it(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        arguments = ("--data", str(tmp_path), "--port", "0", "--control-plane-url", url)
        console = await stack.enter_async_context(running("web_ui", *arguments))
        web = console.ready["web"]
        browser = await stack.enter_async_context(httpx.AsyncClient(base_url=web, headers={"Origin": web}, timeout=60))
        assert (await browser.get("/health")).status_code == 200
        assert (await browser.post("/signin", data={"code": "x"})).status_code in {502, 503}
        await stack.enter_async_context(running(*plane_arguments(tmp_path, port)))
        await sign_in(browser, tmp_path, url)
        assert (await browser.get("/")).status_code == 200


def test_the_command_line_and_the_environment_say_where_everything_is(tmp_path: Path) -> None:
    told = parse(["--data", str(tmp_path), "--port", "0", "--https"], {"SWITCHYARD_CONTROL_PLANE_URL": "http://cp:1/"})
    assert told.control_plane_url == told.store_url == "http://cp:1"
    assert told.credential_file == tmp_path / "console-token"
    assert told.is_https
    told = parse(
        ["--data", str(tmp_path), "--store-url", "http://store/", "--credential-file", "/run/secret"],
        {"SWITCHYARD_COOKIE_KEY": "given"},
    )
    assert (told.control_plane_url, told.store_url) == ("http://127.0.0.1:8091", "http://store")
    assert told.credential_file == Path("/run/secret")
    assert told.cookie_key == "given"


def test_the_key_of_the_cookies_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "cookie-key")
    assert kept_key(tmp_path / "cookie-key") == key
    assert len(key) >= 40
    assert (tmp_path / "cookie-key").stat().st_mode & 0o777 == 0o600


def test_what_a_hook_tells_git_is_not_meant_for_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere/.git")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/somewhere/objects")
    settings.from_process(["--data", str(tmp_path)])
    assert not [name for name in os.environ if name.startswith("GIT_")]


@pytest.mark.parametrize(("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_the_address_is_one_that_browsers_read(tmp_path: Path, host: str, start: str) -> None:
    told = Settings(tmp_path, "", "", tmp_path, host=host, port=0)
    try:
        listener = listen(told)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        assert address(listener).startswith(start)
