"""The smallest experiment: one number, and how far its square is from two."""

import pytest

from tests.examples.conftest import Begin
from tests.examples.host import Host, Idea


@pytest.fixture
def hello(begin: Begin) -> Host:
    return begin("hello")


def test_one_number_comes_nearer_to_the_root_of_two(hello: Host) -> None:
    assert hello.begin() == 1
    assert min(abs(score) for score in hello.evolve(16)) < 1


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
    assert hello.evaluate_in(workspace) == {"status": "error", "evaluation": {}}


def test_an_idea_that_changes_nothing_is_no_variant(hello: Host) -> None:
    executed = hello.execute(Idea("again", 1, [hello.base_commit], "1.0\n"))
    assert (executed.status, executed.commit) == ("error", None)
