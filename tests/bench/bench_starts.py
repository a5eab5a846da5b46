"""How long a server that was there before takes until it is ready."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.durable import KINDS, durable_database
from tests.bench.figures import Figure
from tests.wire.live import end, ready, start

STARTS = 10


def bench_starts() -> Iterator[Figure]:
    for kind in KINDS:
        with (
            tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder,
            durable_database(kind, Path(folder)) as url,
        ):
            first, *others = [seconds(url, Path(folder, "data")) for _ in range(1 + STARTS)]
        note = f"`python -m control_plane`, all loops; the quickest took {min(others):.2f} s"
        yield Figure(
            f"start.ready_s.{kind}", median(others), "s", f"on an existing database, median of {STARTS}: {note}"
        )
        yield Figure(f"start.first_s.{kind}", first, "s", "on an empty database, which is migrated first")


def seconds(url: str, data: Path) -> float:
    began = time.perf_counter()
    process = start(url, data, "--orchestrator", "--scheduler")
    try:
        ready(process, data)
        return time.perf_counter() - began
    finally:
        end(process)
