"""Comments say why, in the present; nothing in the tree belongs to one machine, one day or one plan."""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import Source, keeps

UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
DATED = re.compile(r"\b20\d\d-\d\d-\d\d\b(?!T)|(?<![\w&])#\d+\b|\b(issue|phase|milestone|ticket) #?\d+", re.IGNORECASE)
WAIVER = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:|nosec|fmt:\s*off|pyright:|mypy:)(?P<rest>.*)")
REASON = re.compile(r"(?:\s[-–—]\s|#\s*)(?P<reason>\S.{9,})")  # noqa: RUF001 - people write any of the three dashes
MACHINE = re.compile(r"(?<![\w.$}/*>)-])/(?:root|home/\w+|Users/\w+|work/main|opt/(?:wheels|pypi))\b")


def comments(source: Source) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unfinished(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for line, text in enumerate(source.lines, 1):
            if found := UNFINISHED.search(text):
                yield source.at(line, f"{found[0]}: finish it, or leave it out")


def dated(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for line, comment in comments(source):
            if found := DATED.search(comment):
                yield source.at(line, f"{found[0]!r} in a comment: history is git's")


def waivers(sources: Iterable[Source]) -> Iterator[str]:
    """Waivers without a reason beside them."""
    for source in sources:
        for line, comment in comments(source):
            waived = WAIVER.search(comment)
            if waived and not REASON.search(waived["rest"]):
                yield source.at(line, f"{comment}: say why")


def machines(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for line, text in enumerate(source.lines, 1):
            if found := MACHINE.search(text):
                yield source.at(line, f"{found[0]} is a path of one machine")


def test_nothing_is_left_unfinished(tree: list[Source]) -> None:
    keeps(unfinished(tree))


def test_no_comment_tells_history(python: list[Source]) -> None:
    keeps(dated(python))


def test_every_waiver_has_its_reason(python: list[Source]) -> None:
    keeps(waivers(python))


def test_no_file_names_a_machine(tree: list[Source]) -> None:
    keeps(machines(source for source in tree if source.path != "tests/house/test_prose.py"))


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (unfinished, "x = 1  # TO" + "DO later"),
        (dated, "x = 1  # since 2024-05-01"),
        (dated, "x = 1  # see #12"),
        (dated, "x = 1  # comes in phase 2"),
        (waivers, "x = 1  # no" + "qa: E501"),
        (waivers, "x = f()  # type: ig" + "nore[attr-defined]"),
        (machines, "HOME = '/home/ada/yard'"),
    ],
)
def test_prose_that_breaks_a_law_is_noticed(law: type, text: str) -> None:
    assert len(list(law([Source("web_ui/x.py", text)]))) == 1


@pytest.mark.parametrize(
    "text", ["x = 1  # no" + "qa: E501 - a published constant", "x = 1  # type: ig" + "nore[x]  # untyped library"]
)
def test_a_waiver_with_a_reason_is_let_be(text: str) -> None:
    assert list(waivers([Source("web_ui/x.py", text)])) == []
