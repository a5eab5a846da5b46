"""How long the console's pages take, and how large they are, after a hundred, ten thousand and a million tasks."""

import gc
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.bench.big_yard import BigYard, open_yard
from tests.bench.figures import Figure

SIZES = {"100": 100, "10k": 10_000, "1m": 1_000_000}
ROUNDS = 30
PAGES = (
    "/", "/?q=experiment-7", "/?needs=true", "/work", "/queue", "/queue?experiment={big}", "/queue?state=queued",
    "/gpus", "/events", "/search?q=idea-7", "/admin/experiments", "/admin/operators", "/admin/workers", "/admin/groups",
    "/admin/leases", "/admin/health", "/account", "/e/{big}/", "/e/{big}/?metric=seconds", "/e/{big}/metrics",
    "/e/{big}/variants", "/e/{big}/variants?sort=objective", "/e/{big}/variants?sort=metric:log_loss&dir=asc",
    "/e/{big}/variants?status=error", "/e/{big}/variants?sort=metric:seconds&metric=accuracy&at_least=0.6",
    "/e/{big}/variants/var-2", "/e/{big}/lineage", "/e/{big}/lineage?around=var-2", "/e/{big}/ideas",
    "/e/{big}/ideas/ide-2", "/e/{big}/tasks", "/e/{big}/tasks?state=completed&kind=execution", "/e/{big}/tasks/tsk-5",
    "/e/{big}/jobs", "/e/{big}/events", "/e/{big}/events?type=variant.succeeded", "/e/{big}/ideator",
    "/e/{big}/executor", "/e/{big}/evaluator", "/e/{big}/work", "/e/{big}/admin/workers", "/e/{big}/admin/groups",
    "/e/{big}/admin/dispatch", "/e/{big}/admin/settings", "/e/{big}/admin/checkpoints", "/e/{big}/admin/refs",
    "/e/{big}/admin/refs?standing=orphan", "/e/{big}/admin/refs?after=work/var-55", "/e/{big}/admin/files",
)  # fmt: skip
"""Each page that is measured; a room adds its own."""


async def bench_pages() -> AsyncIterator[Figure]:
    for name in os.environ.get("BENCH_PAGES_SIZES", " ".join(SIZES)).split():
        with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder:
            async with open_yard(Path(folder), SIZES[name]) as yard:
                note = f"{yard.tasks:,} tasks, {yard.variants:,} variants, {yard.experiments:,} experiments"
                yield Figure(f"pages.made_{name}_s", yard.seconds, "s", note)
                async for figure in _measured(yard, name, note):
                    yield figure


async def _measured(yard: BigYard, name: str, note: str) -> AsyncIterator[Figure]:
    """The slowest page decides: the 95th percentile of each, in the process that serves console and API alike."""
    browser = await yard.world.signed_in()
    for page in PAGES:
        await _get(browser, page.format(big=yard.big))
    gc.collect()
    gc.freeze()  # as the services do with what they begin with
    taken: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for page in PAGES:
        path = page.format(big=yard.big)
        sizes[page] = len((await _get(browser, path)).content) / 1000
        taken[page] = _p95([await _timed(browser, path) for _ in range(ROUNDS)])
    slowest, largest = max(taken, key=taken.__getitem__), max(sizes, key=sizes.__getitem__)
    yield Figure(f"pages.p95_ms_{name}", taken[slowest], "ms", f"{slowest}, of {ROUNDS} times; {note}")
    yield Figure(f"pages.max_kb_{name}", sizes[largest], "kB", largest)
    for page in PAGES:
        yield Figure(f"pages.each_ms_{name}", taken[page], "ms", f"{page}, {sizes[page]:.0f} kB")
    gc.unfreeze()


async def _get(browser: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await browser.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return answer


async def _timed(browser: httpx.AsyncClient, path: str) -> float:
    """Milliseconds of CPU, which no other work on the machine can add to; nothing here waits for a network."""
    began = time.process_time()
    await _get(browser, path)
    return 1000 * (time.process_time() - began)


def _p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]
