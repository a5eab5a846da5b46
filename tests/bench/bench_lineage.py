"""The graph of ten thousand variants: what it costs the server, what goes over the line, and when a browser has it."""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Table, insert, update

from control_plane.db.tables import scores
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import descent
from control_plane.task_store.tables import ideas, variant_parents, variants
from tests.bench.figures import Figure
from tests.browsers import QUIET, executable
from tests.web.serving import served_world
from tests.web.work import Worker
from tests.web.world import World

MANY = 10_000
LOOKS = 15
BATCH = 1000
PAGES = {
    "lineage.page_ms": "/e/many/lineage",
    "lineage.piece_ms": "/e/many/lineage/data",
    "lineage.variant_ms": "/e/many/variants/v-5000",
    "lineage.changes_ms": "/e/many/lineage/data?since=1",
}


def bench_lineage() -> Iterator[Figure]:
    """Ten thousand variants, of which one in eight has two parents."""
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder, served_world(Path(folder)) as served:
        served.run(partial(_fill, served.world))
        yield from served.run(partial(_asked, served.world))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(playwright), args=list(QUIET))
            page = served.sign_in(browser.new_context(viewport={"width": 1280, "height": 900}).new_page())
            ready = sorted(_ready_ms(page, served.url) for _ in range(5))[2]
            browser.close()
        yield Figure("lineage.ready_ms", ready, "ms", f"{MANY:,} variants drawn and to be walked, from the click on")


def _ready_ms(page: Page, url: str) -> float:
    page.goto(f"{url}/e/many/ideas")
    began = time.perf_counter()
    page.goto(f"{url}/e/many/lineage", wait_until="commit")
    page.locator("[data-graph][data-ready]").wait_for()
    return 1000 * (time.perf_counter() - began)


async def _asked(world: World) -> list[Figure]:
    browser = await world.signed_in()
    return [figure for name, path in PAGES.items() async for figure in _cost(browser, name, path)]


async def _cost(browser: httpx.AsyncClient, name: str, path: str) -> AsyncIterator[Figure]:
    took, answer = [], await browser.get(path)
    for _ in range(LOOKS):
        began = time.process_time()
        answer = await browser.get(path)
        took.append(1000 * (time.process_time() - began))
    note = f"CPU of console and control plane together, the median of {LOOKS}; {MANY:,} variants"
    yield Figure(name, sorted(took)[LOOKS // 2], "ms", note)
    yield Figure(name.replace("_ms", "_kb"), len(answer.content) / 1000, "kB", path)


async def _fill(world: World) -> None:
    one = await world.experiment("Many")
    await (await Worker.of(world, one)).evaluate(error=1.0)
    await world.parts.house.write(lambda tx: grow(tx.at(one.experiment_id), MANY))
    await asyncio.sleep(0)


def grow(tx: Tx, count: int) -> None:
    """Variants after the baseline, each built on one or two of those that were good or new when it began."""
    chance, base = random.Random(1), tx.experiment["base_commit_sha"]  # noqa: S311 - a simulation
    values: dict[int, float] = {}
    good: list[int] = []
    rows: dict[Table, list[dict[str, Any]]] = {ideas: [], variants: [], variant_parents: []}
    for number in range(2, count + 1):
        if number % 50 == 2 or number < 60:
            good = sorted(values, key=values.__getitem__)[:40]
        pool = [*good, *list(values)[-60:]]
        parents = sorted({chance.choice(pool) for _ in range(2 if chance.random() < 0.125 else 1)}) if pool else []
        value = max(min((values[one] for one in parents), default=1.0) + chance.gauss(0.01, 0.03), 0.0)
        if chance.random() < 0.85:
            values[number] = value
        _add(tx, rows, (number, [f"{one:040x}" for one in parents] or [base], values.get(number)))
    for table, all_rows in rows.items():
        for start in range(0, len(all_rows), BATCH):
            tx.connection.execute(insert(table), all_rows[start : start + BATCH])
    descent.settle(tx)
    best = min(values, key=values.__getitem__)
    row = update(scores).where(scores.c.experiment_id == tx.experiment_id)
    tx.connection.execute(row.values(best_variant_id=f"v-{best}", best_value=values[best]))
    for name, total in (("ideas", count - 1), ("variants", count - 1), ("variants.success", len(values))):
        tx.count(name, total)


def _add(tx: Tx, rows: dict[Table, list[dict[str, Any]]], what: tuple[int, list[str], float | None]) -> None:
    number, parents, value = what
    here = {"experiment_id": tx.experiment_id, "number": number}
    made = {"parent_commits": parents, "idea_id": f"i-{number}"}
    rows[ideas].append(
        here | made | {"slug": f"change-{number % 977}", "priority": 1.0, "artifacts_uri": "x", "state": "completed",
                       "created_at": tx.now}
    )  # fmt: skip
    ended: dict[str, Any] = {"status": "error", "objective_value": None, "evaluation": None}
    if value is not None:
        ended = {"status": "success", "objective_value": value, "evaluation": {"error": value}}
    named = {"variant_id": f"v-{number}", "commit_sha": f"{number:040x}", "started_at": tx.now}
    rows[variants].append(here | made | named | ended | {"evaluation_attempts": 1})
    rows[variant_parents] += [here | {"place": place, "commit_sha": sha} for place, sha in enumerate(parents)]
