"""What the answers of the queue cost, and how often the bands of starts hold the true ones."""

import time
from collections.abc import Iterator
from random import Random

from control_plane.scheduler.rules.explain import explain
from control_plane.scheduler.rules.places import first
from tests.bench.figures import Figure
from tests.scheduler.queue_play import Played, long_queue

QUEUES = range(1000, 1120)
"""Seeds; the estimate was made with others."""
MANY = 100_000
LOOKS = 5


def bench_explain() -> Iterator[Figure]:
    """Coverage over random queues, and the time of one answer with many waiting."""
    inside = [part for seed in QUEUES for part in Played(Random(seed)).inside()]  # noqa: S311 - a simulation
    share = 100 * sum(inside) / len(inside)
    note = (
        f"{len(inside)} starts in {len(QUEUES)} random queues, durations lognormal, 5 to 60 past runs a kind; aim 80 %"
    )
    yield Figure("explain.eta_coverage", share, "%", note)
    situation = long_queue(MANY)
    jobs = [job for line in situation.lines.values() for job in line[:: max(1, len(line) // 2)]][:LOOKS]
    began = time.perf_counter()
    head = first(situation)
    yield Figure("explain.head_ms", 1000 * (time.perf_counter() - began), "ms", f"the first 2,000 of {MANY:,} in order")
    began = time.perf_counter()
    for job in jobs:
        explain(situation, job, head)
    took = 1000 * (time.perf_counter() - began) / len(jobs)
    yield Figure("explain.answer_ms", took, "ms", f"{MANY:,} waiting, 8 GPUs, changes tried by placement included")
