"""The runner of benchmarks finds them, runs both colours and writes what they yield."""

import json
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


def test_the_results_are_a_list_of_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "find", lambda _folder: iter([("plain", bench_plain), ("other", bench_async)]))
    assert bench.main(["pla"]) == 0
    assert json.loads(bench.RESULTS.read_text()) == [{"name": "starts", "value": 4.2, "unit": "s", "note": "cold"}]


def test_a_name_that_no_benchmark_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["no such thing"]) == 1
    assert "no such thing" in capsys.readouterr().err
