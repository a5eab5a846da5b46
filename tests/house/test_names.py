"""One word per thing, and no name that could mean anything."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.house import glossary
from tests.house.tree import PACKAGES, Source, keeps

SHAPELESS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base"}
ACTS_OF_NOTHING = re.compile(r"^_?(handle|do)_|_(v2|phase\d+)$")
NAMED_ELSEWHERE = {"handle_exit"}  # what uvicorn's server calls on a signal
CLASSES_OF_NOTHING = re.compile(r"(Manager|Helper|Util|Utils|Impl)$")


def shapeless(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        if source.path.endswith((".py", ".html")):
            for part in source.parts:
                if PurePosixPath(part).stem.strip("_") in SHAPELESS:
                    yield source.at(1, f"{part} could hold anything: name what it holds")


def named(source: Source) -> Iterator[tuple[int, str]]:
    """Every name that the file gives to something."""
    yield 1, PurePosixPath(source.path).stem
    for node in ast.walk(source.syntax):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id


def vague(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for line, name in named(source):
            if name not in NAMED_ELSEWHERE and (ACTS_OF_NOTHING.search(name) or CLASSES_OF_NOTHING.search(name)):
                yield source.at(line, f"{name} does not say what it does")


def synonyms(sources: Iterable[Source], never: dict[str, str]) -> Iterator[str]:
    for source in sources:
        given = named(source) if source.path.endswith(".py") else enumerate(map(_visible, source.lines), 1)
        for line, text in given:
            for synonym in glossary.words(text) & never.keys():
                yield source.at(line, f"says {synonym!r}; the word is {never[synonym]!r}")


def _visible(line: str) -> str:
    return re.sub(r"`[^`]*`|https?://\S+", "", line)


def _speaks(source: Source) -> bool:
    spoken = source.path.endswith((".py", ".html")) and source.package in {*PACKAGES, "templates", "tests"}
    return spoken or (source.path.endswith(".md") and source.path != str(glossary.FILE))


def test_no_room_can_hold_anything(tree: list[Source]) -> None:
    keeps(shapeless(tree))


def test_names_say_what_they_do(product: list[Source]) -> None:
    keeps(vague(product))


def test_the_house_uses_the_words_of_its_glossary(tree: list[Source]) -> None:
    keeps(synonyms(filter(_speaks, tree), glossary.never()))


@pytest.mark.parametrize(
    "path", ["web_ui/utils.py", "store_client/helpers/x.py", "templates/base.html", "web_ui/_base.py"]
)
def test_a_shapeless_room_is_noticed(path: str) -> None:
    assert len(list(shapeless([Source(path, "")]))) == 1


@pytest.mark.parametrize("text", ["def handle_claim(): ...", "class TaskManager: ...", "claim_v2 = 1"])
def test_a_vague_name_is_noticed(text: str) -> None:
    assert len(list(vague([Source("web_ui/x.py", text)]))) == 1


@pytest.mark.parametrize(
    "path_and_text", [("web_ui/x.py", "def new_proposal(): ..."), ("templates/x.html", "<p>Proposal</p>")]
)
def test_a_synonym_is_noticed(path_and_text: tuple[str, str]) -> None:
    (offence,) = synonyms([Source(*path_and_text)], {"proposal": "idea"})
    assert "the word is 'idea'" in offence
