"""`python -m tests.bench [WORD …]`: run every `bench_*` of `tests/bench/bench_*.py` whose name holds one of the words.

A benchmark is a function without arguments, plain or async, that yields figures. Results go to `.bench/results.json`.
"""

import asyncio
import gc
import importlib
import inspect
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

FOLDER = Path(__file__).parent
RESULTS = Path(".bench/results.json")
Benchmark = Callable[[], Any]


def main(words: list[str]) -> int:
    """Run what was asked for, print each figure as it comes, and write them all."""
    chosen = [(name, each) for name, each in find(FOLDER) if not words or any(word in name for word in words)]
    if not chosen:
        sys.stderr.write(f"No benchmark is named like {' or '.join(words) or 'bench_*'}.\n")
        return 1
    results = []
    gc.freeze()  # as a server does that is up
    for name, benchmark in chosen:
        for figure in run(benchmark):
            sys.stdout.write(f"{figure.name:<40} {figure.value:>14,.3f} {figure.unit:<8} {figure.note} ({name})\n")
            sys.stdout.flush()
            results.append(asdict(figure))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


def find(folder: Path) -> Iterator[tuple[str, Benchmark]]:
    """The benchmarks of a folder in the order of their files and lines."""
    for file in sorted(folder.glob("bench_*.py")):
        module = importlib.import_module(f"tests.bench.{file.stem}")
        for name, each in vars(module).items():
            if name.startswith("bench_") and each.__module__ == module.__name__:
                yield f"{file.stem}.{name}", each


def run(benchmark: Benchmark) -> Iterator[Figure]:
    if inspect.isasyncgenfunction(benchmark):
        return iter(asyncio.run(_gather(benchmark())))
    figures: Iterator[Figure] = benchmark()
    return figures


async def _gather(figures: AsyncIterator[Figure]) -> list[Figure]:
    return [figure async for figure in figures]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
