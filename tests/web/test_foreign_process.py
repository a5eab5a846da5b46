"""`switchyard web` before somebody else's server, each a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from store_client import ControlPlaneClient, CreateExperiment, ExperimentDetail, FileBearer, Transport
from tests.web.desk import served
from tests.web.foreign import secret_file, slug
from tests.web.reading import says
from tests.web.test_process import plane_arguments, running
from tests.web.world import HELLO
from web_ui.missing import ConfigInvalid, ConfigMissing
from web_ui.servers import read_configs
from web_ui.settings import Own, parse

PASSED_ON = {b"authorization", b"content-type", b"x-eden-experiment-id"}


def fenced(url: str) -> ASGIApp:
    """A server that passes requests for `/v0` on to ours, and has nothing else."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body, has_more = body + message.get("body", b""), message.get("more_body", False)
        status, kind, content = 404, b"application/problem+json", b'{"type": "eden://error/not-found", "status": 404}'
        if scope["path"].startswith("/v0/"):
            query = scope["query_string"].decode()
            headers = [(name, value) for name, value in scope["headers"] if name in PASSED_ON]
            async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                path = scope["path"] + (f"?{query}" if query else "")
                answer = await client.request(scope["method"], path, content=body, headers=headers)
            status, content = answer.status_code, answer.content
            kind = answer.headers.get("content-type", "").encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": content})

    return serve


async def made(url: str, data: Path) -> tuple[ExperimentDetail, str]:
    """An experiment on our server, and the credential of a worker in it."""
    transport = Transport(url)
    deployment = ControlPlaneClient(transport, FileBearer(data / "admin-token", "admin"))
    one = await deployment.create_experiment(CreateExperiment(name="Hello", directory=str(HELLO)))
    olga = await deployment.store(one.experiment_id).register_worker("Olga")
    await transport.aclose()
    return one, f"{olga.worker_id}:{olga.registration_token}"


def arguments_of(pid: int) -> str:
    """What a process was started with, as anybody on the machine may read."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode()


async def _first(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The lines of the first event."""
    async for line in lines:
        if not line:
            return
        yield line


async def enter(stack: AsyncExitStack, link: str) -> httpx.AsyncClient:
    """The browser of whom a printed link lets in."""
    parts = urlsplit(link)
    web = f"{parts.scheme}://{parts.netloc}"
    browser = await stack.enter_async_context(httpx.AsyncClient(base_url=web, headers={"Origin": web}, timeout=30))
    answer = await browser.post("/signin", data={"code": parse_qs(parts.query)["code"][0]})
    assert answer.status_code == 303, says(answer)
    return browser


async def test_one_experiment_of_any_server_is_shown_worked_on_and_left(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(running(*plane_arguments(theirs)))
        one, credential = await made(plane.ready["control_plane"], theirs)
        address = await stack.enter_async_context(served(fenced(plane.ready["control_plane"])))
        held = secret_file(tmp_path / "olga", credential)
        told = ("--store-url", address, "--experiment-id", one.experiment_id, "--credential-file", str(held))
        console = await stack.enter_async_context(
            running("store_client.cli", "web", "--data", str(ours), "--port", "0", *told)
        )
        browser = await enter(stack, console.ready["signin"])
        overview = await browser.get(f"/e/{slug(one)}/")
        assert overview.status_code == 200, says(overview)
        assert "Hello running" in says(overview)
        assert (await browser.get("/queue")).status_code == 404
        async with browser.stream("GET", f"/live?of={one.experiment_id}:") as stream:
            assert "event: hello" in [line async for line in _first(stream.aiter_lines())]
        argv = arguments_of(console.process.pid)
        assert "web_ui" in argv
        assert credential.partition(":")[2] not in argv
        another = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "store_client.cli", "signin", "--data", str(ours), stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await another.communicate()
        assert (await (await enter(stack, printed.decode().strip())).get("/")).status_code == 200
        assert await console.stop() < 30
        assert not list(ours.glob("console-address"))  # nobody is led to a console that has gone


def test_the_command_line_says_whose_server_it_is(tmp_path: Path) -> None:
    several = secret_file(tmp_path / "several", '{"exp_1": "wkr_1:x"}')
    single = secret_file(tmp_path / "single", "wkr_1:x")
    data = ["--data", str(tmp_path / "data")]
    assert parse([*data, "--credential-file", str(single)], {}).own is None
    told = parse([*data, "--control-plane-url", "http://cp/", "--credential-file", str(several)], {})
    assert told.own is not None
    assert (told.own.experiment_id, told.own.credential_file, told.store_url) == (None, several, "http://cp")
    told = parse([*data, "--store-url", "http://s/", "--experiment-id", "exp_1", "--credential-file", str(single)], {})
    assert told.own is not None
    assert (told.own.experiment_id, told.control_plane_url, told.store_url) == ("exp_1", "http://s", "http://s")
    told = parse([*data, "--admin-token-file", str(single), "--operator-name", "Olga", "--repository", "r/x.git"], {})
    assert told.own is not None
    assert told.own.repository == str(Path("r/x.git").absolute())
    assert told.own.operator == "Olga"
    assert told.own.credential_file == tmp_path / "data" / "console-credentials.json"


async def test_a_config_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "exp_1.yaml").write_text("objective: {expr: error, direction: minimize}")
    (folder / "notes.yaml").write_text("- not a config")
    (folder / "exp_2.yaml").write_text("objective: [")
    (folder / "exp_3.yaml").write_text("objective: {expr: error, direction: sideways}")
    configs = read_configs(Own(tmp_path, config=folder))
    assert dict(configs) == {"exp_1": {"objective": {"expr": "error", "direction": "minimize"}}}
    for experiment_id, kind, told in (
        ("exp_2", ConfigInvalid, "exp_2.yaml"),
        ("exp_3", ConfigInvalid, "its objective cannot be read"),
        ("exp_4", ConfigMissing, "no exp_4.yaml"),
        ("../notes", ConfigMissing, "no ../notes.yaml"),
    ):
        with pytest.raises(kind, match=told):
            await configs.check(experiment_id)
    with pytest.raises(SystemExit, match="holds no mapping"):
        read_configs(Own(tmp_path, experiment_id="exp_1", config=folder / "notes.yaml"))
