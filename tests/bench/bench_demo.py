"""What a newcomer waits for: the ready line, and life in both examples."""

import time
from collections.abc import Iterator

from tests.acceptance import demo
from tests.bench.figures import Figure
from tests.bench.yard import deployed


def bench_demo() -> Iterator[Figure]:
    with deployed() as deployment:
        began = time.monotonic()
        deployment.up("--examples")
        yield Figure("ready", time.monotonic() - began, "s", "`switchyard up` on an empty data directory, warm")
        for slug, seconds in demo.seconds_to_life(deployment, began).items():
            yield Figure(f"{slug}_alive", seconds, "s", "scored baseline, five evaluated variants, one integrated")
        deployment.let_run(demo.SIGHT_SECONDS - (time.monotonic() - began))
        for slug, summary in demo.summaries(deployment).items():
            note = f"after 3 minutes; {summary.counts.evaluated} evaluated, {summary.counts.integrated} integrated"
            yield Figure(f"{slug}_baseline", summary.baseline or 0.0, "score", summary.objective.expr)
            yield Figure(f"{slug}_best", summary.best or 0.0, "score", note)
            yield Figure(f"{slug}_gain", demo.gain(summary), "score", f"best against baseline {note}")
