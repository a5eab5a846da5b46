"""The smallest experiment: one number, and how far its square is from two."""

import pytest

from tests.examples.conftest import Begin
from tests.examples.host import Host, Idea, is_refused


@pytest.fixture
def hello(begin: Begin) -> Host:
    return begin("hello")


def test_ideas_become_scored_variants(hello: Host) -> None:
    assert hello.begin() == 1
    assert all(score >= 0 for score in hello.evolve(3))
    assert [entry["status"] for entry in hello.history] == ["success"] * 4


def test_the_error_is_how_far_the_square_is_from_two(hello: Host) -> None:
    idea = Idea("try-1-5", 1, [hello.base_commit], "1.5\n")
    assert hello.carry_out(idea) == pytest.approx(0.25)


def test_ideas_build_on_the_best_integrated_variant(hello: Host) -> None:
    hello.begin()
    for number in ("1.5", "1.4", "9"):
        hello.carry_out(Idea(f"try-{number[0]}", 1, [hello.base_commit], number))
    best = hello.history[2]["variant_commit_sha"]
    assert [idea.parents for idea in hello.ideate()] == [[best], [best]]


@pytest.mark.parametrize("text", ["", "many", "nan", "1e999", "1e200"])
def test_what_is_no_number_is_not_scored(hello: Host, text: str) -> None:
    workspace = hello.checkout(hello.base_commit)
    (workspace / "guess.txt").write_text(text)
    assert is_refused(hello.evaluate_in(workspace), "no number")


def test_an_idea_that_changes_nothing_is_no_variant(hello: Host) -> None:
    executed = hello.execute(Idea("again", 1, [hello.base_commit], "1.0\n"))
    assert (executed.status, executed.commit) == ("error", None)
