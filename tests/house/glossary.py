"""The glossary as a table: which words the house uses, and which it never does."""

import re
from pathlib import Path

from tests.house.tree import ROOT

FILE = Path("docs/glossary.md")


def never() -> dict[str, str]:
    """Each forbidden synonym and the word to use."""
    rows = [_cells(line) for line in (ROOT / FILE).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {synonym: word for word, _, synonyms in rows[1:] for synonym in re.findall(r"[a-z]+", synonyms)}


def words(identifier: str) -> set[str]:
    """The words of an identifier: `ClaimTask_id` is claim, task and id."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def _cells(line: str) -> tuple[str, str, str]:
    word, meaning, synonyms = (cell.strip() for cell in line.strip().strip("|").split("|"))
    return word, meaning, synonyms
