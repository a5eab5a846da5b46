"""The orchestrator with nothing to do: what a pass over many experiments costs while nobody acts in them."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
from starlette.applications import Starlette

from control_plane.app import Parts, build
from control_plane.db.engine import Database
from control_plane.settings import Settings
from tests.bench.durable import KINDS, durable_database
from tests.bench.figures import Figure
from tests.bench.growth import Growth
from tests.wire.live import ADMIN_TOKEN, settle

EXPERIMENTS, VARIANTS = 10, 1_000
PASSES, ROUNDS = 20, 5


def bench_orchestrator() -> Iterator[Figure]:
    for kind in KINDS:
        with (
            tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder,
            durable_database(kind, Path(folder)) as url,
        ):
            yield from idle(url, Path(folder, "data"), kind)


def idle(url: str, data: Path, kind: str) -> Iterator[Figure]:
    settings = Settings(data=data, database_url=url, admin_token=ADMIN_TOKEN, runs_orchestrator=True)
    app = build(settings)
    parts: Parts = app.state.parts
    assert parts.orchestrator is not None
    logging.disable(logging.WARNING)  # these experiments have no repository, and each pass says so
    try:
        fill(url, asyncio.run(experiments(app)))
        for _ in range(5):  # first passes make what is missing
            parts.orchestrator.round()
        orchestrator = parts.orchestrator
        of_all = milliseconds(orchestrator.round)
        woken = milliseconds(lambda: orchestrator.round(everything=False))
    finally:
        logging.disable(logging.NOTSET)
        parts.stop()
    note = f"{EXPERIMENTS} open experiments with {EXPERIMENTS * VARIANTS} variants"
    yield Figure(f"orchestrator.idle_ms.{kind}", woken, "ms", f"a pass of each second over {note}, nothing changed")
    yield Figure(
        f"orchestrator.idle_all_ms.{kind}",
        of_all,
        "ms",
        f"a pass of every fifth second, which asks what waits in all of {note}",
    )


async def experiments(app: Starlette) -> list[str]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control-plane") as http:
        return [(await settle(http)).store.experiment_id for _ in range(EXPERIMENTS)]


def fill(url: str, experiment_ids: list[str]) -> None:
    with closing(Database.open(url)) as database:
        for experiment_id in experiment_ids:
            Growth(database, experiment_id).variants(VARIANTS)


def milliseconds(act: Callable[[], object]) -> float:
    """What doing something takes in the quietest of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(PASSES):
            act()
        best = min(best, time.perf_counter() - began)
    return 1000 * best / PASSES
