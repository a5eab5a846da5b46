"""`python -m tests.bench [WORD …]`: run every `bench_*` of `tests/bench/bench_*.py` whose name holds one of the words.

A benchmark is a function without arguments, plain or async, that yields figures. Each has a process of its own, so that
no figure depends on what the ones before left in memory. Results go to `.bench/results.json`.
"""

import asyncio
import gc
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

FOLDER = Path(__file__).parent
RESULTS = Path(".bench/results.json")
ONE = "--one"
"""Run the benchmark of this name here, and say its figures as lines of JSON."""
Benchmark = Callable[[], Any]


def main(words: list[str]) -> int:
    """Run what was asked for, print each figure as it comes, and write them all."""
    if words[:1] == [ONE]:
        return one(*words[1:])
    chosen = [name for name, _ in find(FOLDER) if not words or any(word in name for word in words)]
    if not chosen:
        sys.stderr.write(f"No benchmark is named like {' or '.join(words) or 'bench_*'}.\n")
        return 1
    results, failed = [], []
    for name in chosen:
        try:
            for figure in apart(name):
                sys.stdout.write(f"{figure.name:<40} {figure.value:>14,.3f} {figure.unit:<8} {figure.note} ({name})\n")
                sys.stdout.flush()
                results.append(asdict(figure))
        except subprocess.CalledProcessError:
            failed.append(name)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if failed:
        sys.stderr.write(f"Without all their figures: {', '.join(failed)}.\n")
    return 1 if failed else 0


def apart(name: str) -> Iterator[Figure]:
    """The figures of a benchmark in a process of its own; CalledProcessError when it breaks off."""
    command = [sys.executable, "-m", "tests.bench", ONE, name]
    with subprocess.Popen(command, cwd=FOLDER.parents[1], stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield Figure(**json.loads(line))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def one(name: str) -> int:
    """Run one benchmark; whatever else is printed while it runs goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as figures:
        os.dup2(2, 1)
        file, function = name.split(".")
        benchmark: Benchmark = getattr(importlib.import_module(f"tests.bench.{file}"), function)
        gc.freeze()  # as a server does that is up
        for figure in run(benchmark):
            figures.write(json.dumps(asdict(figure)) + "\n")
            figures.flush()
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
