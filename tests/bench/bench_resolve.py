"""What it costs a page to know which experiment it works on and which others there are, among a thousand."""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.big_yard import open_yard
from tests.bench.figures import Figure
from web_ui.active import resolve_active_experiment
from web_ui.visit import Visit

ROUNDS = 200
NOTE = "median of CPU milliseconds, control plane and console in one process"


async def bench_resolve() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder:
        async with open_yard(Path(folder), int(os.environ.get("BENCH_RESOLVE_TASKS", "1000000"))) as yard:
            browser = await yard.world.signed_in()
            assert (await browser.get(f"/e/{yard.big}/tasks")).status_code == 200
            visit = await _visit(browser, yard.world.app, yard.big)
            one = await _median(lambda: visit.client.list_experiment_summaries(slug=yard.big))
            whole = await _median(lambda: resolve_active_experiment(visit))
            yield Figure("resolve.row_ms", one, "ms", f"the one row that its page shows; {NOTE}")
            yield Figure("resolve.ms", whole - one, "ms", f"beyond that row, {yard.experiments:,} experiments; {NOTE}")


async def _visit(browser: httpx.AsyncClient, app: Starlette, slug: str) -> Visit:
    """A visit as a page gets it."""
    taken: list[Visit] = []

    async def take(request: Request) -> Response:
        taken.append(await Visit.entered(request))
        return Response()

    app.router.routes.insert(0, Route("/e/{experiment}/taken", take))
    assert (await browser.get(f"/e/{slug}/taken")).status_code == 200
    return taken[0]


async def _median(act: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await act()
        taken.append(1000 * (time.process_time() - began))
    return sorted(taken)[ROUNDS // 2]
