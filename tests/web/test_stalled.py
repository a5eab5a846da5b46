"""A backend that takes requests and never answers: its own pages say so in time, and every other one answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

import web_ui.app
from store_client import ExperimentDetail
from tests.web.desk import served
from tests.web.reading import says
from tests.web.streaming import open_tab
from tests.web.work import Worker
from tests.web.world import World, entered

READING_SECONDS = 5.0
LATE_SECONDS = READING_SECONDS * 4
"""Nobody's page takes longer, on a busy machine either."""


@dataclass
class Stalling:
    """The control plane behind a proxy: what has one of these words in its path waits until the end."""

    inner: ASGIApp
    words: tuple[str, ...] = ()
    stalled: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(word in scope["path"] for word in self.words):
            self.stalled.append(scope["path"])
            await self.over.wait()
        await self.inner(scope, receive, send)


@dataclass
class Yard:
    """Two experiments, of which the first one's backend can be stalled."""

    proxy: Stalling
    console: ASGIApp
    browser: httpx.AsyncClient
    first: Worker
    second: Worker

    async def begun(self, path: str) -> "asyncio.Task[httpx.Response]":
        """A page that waits for a backend."""
        waiting = asyncio.create_task(self.browser.get(path))
        async with asyncio.timeout(LATE_SECONDS):
            while not self.proxy.stalled:
                assert not waiting.done(), says(waiting.result())
                await asyncio.sleep(0.01)
        return waiting

    async def answer_meanwhile(self, *paths: str) -> None:
        """Every other page answers."""
        for path in paths:
            assert (await self.browser.get(path)).status_code == 200, path


async def at_work(world: World, one: ExperimentDetail) -> Worker:
    """Who made a baseline and a variant that changed something."""
    ada = await Worker.of(world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    return ada


@pytest.fixture
async def yard(world: World) -> AsyncIterator[Yard]:
    experiments = [await world.experiment(name) for name in ("First", "Second")]
    first, second = [await at_work(world, one) for one in experiments]
    assert isinstance(world.line.inner, httpx.ASGITransport)
    proxy = Stalling(world.line.inner.app)
    async with served(proxy) as address:
        told = replace(world.settings, control_plane_url=address, store_url=address, reading_seconds=READING_SECONDS)
        app = web_ui.app.build(told)
        async with entered(app) as console:
            browser = await world.signed_in(console=console)
            for one in experiments:
                assert (await browser.get(f"/e/{one.slug}/")).status_code == 200
            try:
                yield Yard(proxy, console, browser, first, second)
            finally:
                proxy.over.set()
                world.parts.house.hub.close()  # long polls end with it


def lies_in(experiment: ExperimentDetail) -> str:
    return f"/experiments/{experiment.experiment_id}/"


async def test_an_experiment_that_does_not_answer_fails_in_time_and_leaves_the_others_alone(yard: Yard) -> None:
    here = yard.second.experiment
    async with open_tab(yard.console, yard.browser, f"/live?of={here.experiment_id}:") as tab:
        yard.proxy.words = (lies_in(yard.first.experiment),)
        began = time.monotonic()
        waiting = await yard.begun("/e/first/tasks")
        await yard.answer_meanwhile("/", "/e/second/", "/e/second/tasks", "/queue")
        answer = await waiting
        assert time.monotonic() - began < LATE_SECONDS
        assert answer.status_code == 503
        assert "The control plane does not answer" in says(answer)
        assert "Try again" in says(answer)
        await yard.second.propose("later")
        assert await tab.told() > 0


async def diff(ada: Worker) -> str:
    """The address of what a new variant of an experiment changed, which no page has asked the repository yet."""
    variant_id = await ada.variant("worse", 1.9, error=1.5)
    return f"/e/{ada.experiment.slug}/variants/{variant_id}/diff"


async def test_a_repository_that_does_not_answer_stalls_nothing_but_what_it_holds(yard: Yard) -> None:
    held, free = await diff(yard.first), await diff(yard.second)
    yard.proxy.words = (f"/git/{yard.first.experiment.experiment_id}",)
    waiting = await yard.begun(held)
    await yard.answer_meanwhile("/", "/e/first/tasks", free)
    assert not waiting.done()
    yard.proxy.over.set()
    async with asyncio.timeout(LATE_SECONDS):
        assert (await waiting).status_code == 200
