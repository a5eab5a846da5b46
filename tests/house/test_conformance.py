"""The table of conformance names tests that exist, and leaves out no rule that wants one."""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import ROOT, Source, keeps

TABLE = ROOT / "docs" / "conformance.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
NUMBERED = ("1", "2", "3", "4", "5", "6", "7", "8", "11")
"""Chapters of which every numbered rule has a row of its own."""
LATITUDE = {"1.1", "17", "18"}
"""What says how to claim, where to look and what is free."""
HEADING = re.compile(r"#{2,3} (?P<number>\d+(\.\d+)?)\.? ")


def rules() -> Iterator[str]:
    """Every rule that wants a row: 4.2.1, 4.3 where a section numbers none, 9 where a chapter has no sections."""
    sections: dict[str, list[str]] = {}
    section = ""
    for line in PROTOCOL.read_text(encoding="utf-8").splitlines():
        if found := HEADING.match(line):
            section = found["number"]
            sections[section] = []
        elif item := re.match(r"(\d+)\. ", line):
            sections[section].append(f"{section}.{item[1]}")
    for section, items in sections.items():
        chapter, _, _ = section.partition(".")
        is_divided = any(other.startswith(f"{section}.") for other in sections)
        if not is_divided and not {section, chapter} & LATITUDE:
            yield from (items if items and chapter in NUMBERED else [section])


def rows() -> Iterator[list[str]]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| Rule", "| Fault")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def names_of_tests(tree: list[Source]) -> set[str]:
    return {
        node.name
        for source in tree
        if source.path.startswith("tests/") and source.path.endswith(".py")
        for node in source.walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_test_that_is_named_exists(tree: list[Source]) -> None:
    there = names_of_tests(tree)
    named = [(row[0], name) for row in rows() for name in re.findall(r"`(test_\w+)`", row[-1])]
    assert len(named) > 100
    keeps(f"{TABLE.name}: {rule} names {name}, which is no test" for rule, name in named if name not in there)


def test_every_row_names_a_test() -> None:
    keeps(f"{TABLE.name}: {row[0]} names no test" for row in rows() if not re.search(r"`test_\w+`", row[-1]))


def test_no_rule_is_left_out() -> None:
    proven = {row[0] for row in rows()}
    wanted = list(rules())
    assert len(wanted) > 40
    keeps(f"{TABLE.name}: {rule} is in no row" for rule in wanted if rule not in proven)
