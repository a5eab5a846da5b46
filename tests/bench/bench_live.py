"""From a commit in the control plane to the change on a screen, with many streams open on the one console."""

import asyncio
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, async_playwright

from store_client import ControlPlaneClient, CreateExperiment, FileBearer, StoreClient, Transport
from tests.bench.figures import Figure
from tests.browsers import QUIET
from tests.web.test_process import plane_arguments, running, sign_in
from tests.web.world import HELLO, MANUAL

STREAMS = int(os.environ.get("BENCH_LIVE_STREAMS", "1000"))
ROUNDS = 40
OPENED_AT_ONCE = 25
PATIENCE_SECONDS = 30
NOTE_CHANGES = """() => {
  window.changes = [];
  const note = () => window.changes.push([Date.now(), document.querySelector("main").textContent]);
  new MutationObserver(note).observe(document.querySelector("main"), { childList: true, subtree: true });
}"""
SEEN_AT = "name => (window.changes.find(([, text]) => text.includes(name)) ?? [null])[0]"


@dataclass
class Crowd:
    """Open streams, and when each heard of something since the round began."""

    heard: list[float] = field(default_factory=list)

    async def listen(self, url: str, request: bytes) -> None:
        """Read one stream for ever."""
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(request)
        await reader.readuntil(b"event: hello")
        self.reading.append(asyncio.create_task(self._note(reader, writer)))

    reading: list["asyncio.Task[None]"] = field(default_factory=list)

    async def _note(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b'"position"')
                self.heard.append(time.time())
        writer.close()


@dataclass(frozen=True)
class Yard:
    """A control plane, a console before it, a crowd on its streams, and one real page."""

    store: StoreClient
    crowd: Crowd
    page: Page


@dataclass(frozen=True)
class Round:
    """Milliseconds since the change was sent to the control plane."""

    answered: float
    heard_half: float
    heard_all: float
    seen: float


async def bench_live() -> AsyncIterator[Figure]:
    """One page of workers, told of by the same stream as everybody's."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder:
        async with opened(Path(folder), STREAMS) as yard:
            rounds = [await one(yard, number) for number in range(ROUNDS)]
    note = f"{STREAMS} open streams, {ROUNDS} changes, from sending the change to the control plane"
    yield Figure("live.commit_to_screen_p95_ms", p95([each.seen for each in rounds]), "ms", note)
    yield Figure("live.commit_to_screen_p50_ms", p50([each.seen for each in rounds]), "ms", note)
    yield Figure("live.of_it_commit_p50_ms", p50([each.answered for each in rounds]), "ms", "the change was answered")
    yield Figure("live.of_it_half_told_p50_ms", p50([each.heard_half for each in rounds]), "ms", "every second stream")
    yield Figure("live.of_it_all_told_p50_ms", p50([each.heard_all for each in rounds]), "ms", "the last stream")


async def one(yard: Yard, number: int) -> Round:
    """One change at some moment, until everybody heard and the page shows it."""
    await asyncio.sleep(random.uniform(0.4, 1.4))  # noqa: S311 - a moment, not a secret
    name = f"worker-{number:03}-of-this"
    yard.crowd.heard.clear()
    began = time.time()
    await yard.store.register_worker(name)
    answered = time.time()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (seen := await yard.page.evaluate(SEEN_AT, name)) is None or len(yard.crowd.heard) < STREAMS:  # noqa: ASYNC110 - the page changes by itself
            await asyncio.sleep(0.05)
    heard = sorted(yard.crowd.heard)
    moments = (answered, heard[len(heard) // 2], heard[-1], seen / 1000)
    return Round(*(1000 * (moment - began) for moment in moments))


@asynccontextmanager
async def opened(folder: Path, streams: int) -> AsyncIterator[Yard]:
    """The processes, the experiment, the page and then the streams."""
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(running(*plane_arguments(folder)))
        url = plane.ready["control_plane"]
        told = ("--data", str(folder), "--port", "0", "--control-plane-url", url)
        web = (await stack.enter_async_context(running("web_ui", *told))).ready["web"]
        transport = Transport(url)
        stack.push_async_callback(transport.aclose)
        deployment = ControlPlaneClient(transport, FileBearer(folder / "admin-token", "admin"))
        body = {"name": "Hello", "directory": str(HELLO), "automation": MANUAL}
        made = await deployment.create_experiment(CreateExperiment.model_validate(body))
        browser = await stack.enter_async_context(httpx.AsyncClient(base_url=web, headers={"Origin": web}, timeout=60))
        await sign_in(browser, folder, url)
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        page = await stack.enter_async_context(live_page(web, cookie))
        crowd = Crowd()
        request = f"GET /live?of={made.experiment_id}: HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode()
        for _ in range(0, streams, OPENED_AT_ONCE):
            await asyncio.gather(*(crowd.listen(web, request) for _ in range(OPENED_AT_ONCE)))
        stack.callback(lambda: [reading.cancel() for reading in crowd.reading])
        yield Yard(deployment.store(made.experiment_id), crowd, page)


@asynccontextmanager
async def live_page(web: str, cookie: str) -> AsyncIterator[Page]:
    """The workers of the experiment in a real browser, live."""
    async with async_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        chromium = await playwright.chromium.launch(executable_path=found, args=list(QUIET))
        context = await chromium.new_context()
        name, _, value = cookie.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": web}])
        page = await context.new_page()
        await page.goto(f"{web}/e/hello/admin/workers")
        await page.locator("#live-state .word", has_text="live").wait_for()
        await page.evaluate(NOTE_CHANGES)
        yield page
        await chromium.close()


def p50(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
