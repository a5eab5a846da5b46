"""The runner of benchmarks finds them, runs both colours and writes what they yield."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.figures import Figure

FAST = Figure("starts", 4.2, "s", "cold")


def bench_plain() -> Iterator[Figure]:
    yield FAST


async def bench_async() -> AsyncIterator[Figure]:
    yield FAST


@pytest.mark.parametrize("benchmark", [bench_plain, bench_async])
def test_a_benchmark_of_either_colour_yields_its_figures(benchmark: bench.Benchmark) -> None:
    assert list(bench.run(benchmark)) == [FAST]


def bench_broken() -> Iterator[Figure]:
    yield FAST
    sys.stdout.write("not a figure\n")
    sys.exit(3)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the results go of a run of the benchmarks above."""
    ours = (bench_plain, bench_async, bench_broken)
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "some" / "results.json")
    monkeypatch.setattr(bench, "find", lambda _folder: ((f"test_runner.{each.__name__}", each) for each in ours))
    return bench.RESULTS


def test_the_results_are_a_list_of_figures(results: Path) -> None:
    assert bench.main(["pla", "async"]) == 0
    assert json.loads(results.read_text()) == [{"name": "starts", "value": 4.2, "unit": "s", "note": "cold"}] * 2


def test_a_benchmark_that_breaks_off_is_named_and_the_others_go_on(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["broken", "plain"]) == 1
    assert len(json.loads(results.read_text())) == 2
    assert "test_runner.bench_broken" in capsys.readouterr().err


def test_a_name_that_no_benchmark_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["no such thing"]) == 1
    assert "no such thing" in capsys.readouterr().err
