"""What an ideator reads in the history."""

import runpy
from typing import Any

import pytest

from tests.examples.host import EXAMPLES


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / "digits" / "lineage.py"))


def variant(number: int, score: float | None, slug: str = "step-by-step", **more: Any) -> dict[str, Any]:
    """An integrated variant on the base commit."""
    about = {"variant_id": f"var_{number}", "slug": slug, "status": "success", "parent_commits": ["base"]}
    commits = {"commit_sha": f"work-{number}", "variant_commit_sha": f"squashed-{number}"}
    return {**about, **commits, "objective_value": score, **more}


def baseline(score: float) -> dict[str, Any]:
    return variant(0, score, "", kind="baseline", commit_sha="base", variant_commit_sha=None)


def read(program: dict[str, Any], *history: dict[str, Any], direction: str = "maximize") -> Any:
    return program["read_lineage"](history, {"expr": "x", "direction": direction}, "base")


def test_without_a_score_the_base_commit_is_the_parent(program: dict[str, Any]) -> None:
    assert read(program).parents == ["base"]
    assert read(program, variant(1, None), variant(2, 5.0, status="error")).parents == ["base"]


def test_the_best_comes_first(program: dict[str, Any]) -> None:
    history = [baseline(1.0), variant(1, 3.0), variant(2, 2.0)]
    assert read(program, *history).parents == ["squashed-1", "squashed-2", "base"]
    assert read(program, *history, direction="minimize").parents == ["base", "squashed-2", "squashed-1"]


def test_among_equals_the_newest_comes_first_however_the_history_is_ordered(program: dict[str, Any]) -> None:
    history = [variant(2, 3.0), baseline(3.0), variant(1, 3.0)]
    assert read(program, *history).parents == ["squashed-2", "squashed-1", "base"]


def test_what_is_not_integrated_is_no_parent(program: dict[str, Any]) -> None:
    assert read(program, baseline(1.0), variant(1, 3.0, variant_commit_sha=None)).parents == ["base"]


def test_records_count_how_often_the_best_was_beaten(program: dict[str, Any]) -> None:
    scores = [2.0, 1.0, 2.0, 3.0]
    lineage = read(program, baseline(1.0), *(variant(number, score) for number, score in enumerate(scores, 1)))
    assert lineage.records == 3


def test_a_kind_that_beats_its_parents_promises_more(program: dict[str, Any]) -> None:
    wins, losses = variant(1, 2.0, "shake-1"), variant(2, 0.5, "settle-1")
    lineage = read(program, baseline(1.0), wins, losses)
    assert lineage.promise("shake") > lineage.promise("rehome") > lineage.promise("settle")
    assert lineage.promise("rehome") == 0.5


def test_what_was_tried_on_a_parent_is_remembered_even_when_it_failed(program: dict[str, Any]) -> None:
    assert ("base", "shake-1") in read(program, variant(1, None, "shake-1", status="error")).tried
