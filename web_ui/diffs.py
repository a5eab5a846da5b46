"""Unified diffs as the lines that pages draw."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from web_ui.filters import MINUS
from web_ui.repos import Change, Diff

MOST_LINES = 2_000
HEAD = re.compile(r"^diff --git (?P<paths>.*)$")
KINDS = {"+": "added", "-": "removed", " ": "same"}


@dataclass(frozen=True)
class Line:
    """One line; kind is added, removed, same or hunk."""

    kind: str
    text: str


@dataclass(frozen=True)
class FileDiff:
    """What changed in one file; `summary` is its size ("+6 -3")."""

    path: str
    summary: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Changes:
    """What changed between two commits, as far as it is shown; `summary` is of the whole."""

    summary: str
    files: tuple[FileDiff, ...]
    is_cut: bool


def changes(diff: Diff) -> Changes:
    """A diff as pages show it."""
    texts = list(_split(diff.text))
    files, room = [], MOST_LINES
    for change, text in zip(diff.changes, texts, strict=False):
        lines = tuple(_lines(text, room))
        room -= len(lines)
        files.append(FileDiff(_named(change), size_of((change,)), lines))
    is_whole = not diff.is_cut and room > 0 and len(texts) >= len(diff.changes)
    return Changes(summary(diff.changes), tuple(files), is_cut=not is_whole)


def _named(change: Change) -> str:
    """The file, and what it was called before if that has changed."""
    return f"{change.renamed_from} → {change.path}" if change.renamed_from else change.path


def summary(all_changes: tuple[Change, ...]) -> str:
    """How much changed: 2 files, +12 -3."""
    count = len(all_changes)
    return f"{count} {'file' if count == 1 else 'files'}, {size_of(all_changes)}" if count else "no file"


def size_of(all_changes: tuple[Change, ...]) -> str:
    """Lines added and removed: +12 -3; binary files have none."""
    counted = [change for change in all_changes if change.added is not None]
    if all_changes and not counted:
        return "binary"
    return f"+{sum(change.added or 0 for change in counted)} {MINUS}{sum(change.removed or 0 for change in counted)}"


def _split(text: str) -> Iterator[list[str]]:
    """The lines of each file's part."""
    part: list[str] | None = None
    for line in text.split("\n"):
        if HEAD.match(line):
            if part is not None:
                yield part
            part = []
        elif part is not None:
            part.append(line)
    if part is not None:
        yield part


def _lines(part: list[str], room: int) -> Iterator[Line]:
    is_inside = False
    for line in part:
        if room <= 0:
            return
        if line.startswith("@@"):
            is_inside = True
            yield Line("hunk", line)
        elif is_inside and line[:1] in KINDS:
            yield Line(KINDS[line[:1]], line[1:])
        elif line.startswith(("Binary files", "rename ", "new file", "deleted file")):
            yield Line("hunk", line)
        else:
            continue
        room -= 1
