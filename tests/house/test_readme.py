"""What the documents tell a reader to type or open is there."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import click
import pytest

from tests.house.tree import ROOT, Source, keeps

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"\bmake ([a-z]+)\b")
SWITCHYARD = re.compile(r"(?:^|/| )switchyard ((?:[a-z][a-z-]* ?)+)")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
PLACE = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)


def typed(document: Source) -> Iterator[str]:
    """Everything a document shows as something to type."""
    for block in BLOCK.findall(document.text):
        yield from (line.split("#", 1)[0] for line in block.splitlines())
    yield from CODE.findall(BLOCK.sub("", document.text))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def commands() -> set[str]:
    """Every command path: `up`, `job`, `job submit` and so on."""
    from store_client.cli import main  # noqa: PLC0415 - only this law needs the command line

    return set(_paths(main))


def _paths(group: click.Command, prefix: str = "") -> Iterator[str]:
    for name, command in group.commands.items() if isinstance(group, click.Group) else ():
        yield prefix + name
        yield from _paths(command, f"{prefix}{name} ")


def unknown_targets(document: Source, known: AbstractSet[str]) -> Iterator[str]:
    for line in typed(document):
        for target in MAKE.findall(line):
            if target not in known:
                yield f"{document.path}: make {target} does not exist"


def unknown_commands(document: Source, known: AbstractSet[str]) -> Iterator[str]:
    for line in typed(document):
        for words in SWITCHYARD.findall(line):
            path = words.split()
            groups = {each.split()[0] for each in known if " " in each}
            wanted = " ".join(path[:2] if path[0] in groups and len(path) > 1 else path[:1])
            if wanted not in known:
                yield f"{document.path}: switchyard {wanted} does not exist"


def dead_links(document: Source) -> Iterator[str]:
    folder = (ROOT / document.path).parent
    for link in LINK.findall(document.text):
        if not (folder / link).exists():
            yield f"{document.path}: {link} does not exist"


@pytest.fixture(scope="module")
def documents(tree: list[Source]) -> list[Source]:
    return [source for source in tree if source.path.endswith(".md")]


def test_every_make_target_that_is_told_exists(documents: list[Source]) -> None:
    keeps(each for document in documents for each in unknown_targets(document, targets()))


def test_every_command_that_is_told_exists(documents: list[Source]) -> None:
    known = commands()
    keeps(each for document in documents for each in unknown_commands(document, known))


def test_every_link_leads_somewhere(documents: list[Source]) -> None:
    keeps(each for document in documents for each in dead_links(document))


def test_the_map_names_places_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    places = [place for row in PLACE.findall(readme) for place in CODE.findall(row)]
    assert places
    assert [place for place in places if not (ROOT / place).is_dir()] == []


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))
    assert targets() - explained == set()


def test_what_does_not_exist_is_noticed() -> None:
    document = Source("README.md", "```sh\nmake coffee\n.venv/bin/switchyard job brew\n```\n[here](docs/nowhere.md)")
    assert list(unknown_targets(document, {"run"})) == ["README.md: make coffee does not exist"]
    assert list(unknown_commands(document, {"job", "job list"})) == ["README.md: switchyard job brew does not exist"]
    assert list(dead_links(document)) == ["README.md: docs/nowhere.md does not exist"]
