"""Unified diffs as the lines that pages draw."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from web_ui.filters import MINUS
from web_ui.repos import Change, Diff
from web_ui.syntax import coloured

HEAD = re.compile(r"^diff --git (?P<paths>.*)$")
KINDS = {"+": "added", "-": "removed", " ": "same"}
MOST_FILES = 200
LONGEST = 600
"""Characters of a line; what is longer was not written by people."""


@dataclass(frozen=True)
class Room:
    """How many lines are shown in all and of each file, the first of them, and how many characters in all."""

    lines: int = 500
    of_file: int = 250
    start: int = 0
    characters: int = 40_000


@dataclass(frozen=True)
class Line:
    """One line; kind is added, removed, same or hunk."""

    kind: str
    text: str
    markup: Markup | None = None

    @property
    def shown(self) -> str:
        """The line as it is written to the page."""
        return self.text if self.markup is None else self.markup


@dataclass(frozen=True)
class FileDiff:
    """What changed in one file; `summary` is its size ("+6 -3"), `following` where the lines not shown begin.

    `names` are its path and, where it was renamed, the one before.
    """

    path: str
    summary: str
    lines: tuple[Line, ...]
    names: tuple[str, ...] = ()
    following: int | None = None


@dataclass(frozen=True)
class Changes:
    """What changed between two commits, as far as it is shown; `summary` is of the whole."""

    summary: str
    files: tuple[FileDiff, ...]
    is_cut: bool


def changes(diff: Diff, room: Room | None = None) -> Changes:
    """A diff as pages show it."""
    room = room or Room()
    texts = list(_split(diff.text))
    files, lines, characters = [], room.lines, room.characters
    for place, change in enumerate(diff.changes[:MOST_FILES]):
        part = list(_lines(texts[place])) if place < len(texts) else []
        shown = _fitting(part[room.start :][: min(room.of_file, lines)], characters)
        lines, characters = lines - len(shown), characters - sum(len(line.text) for line in shown)
        end = room.start + len(shown)
        is_partial = end < len(part) or place >= len(texts) or (diff.is_cut and place == len(texts) - 1)
        files.append(_file(change, shown, end if is_partial else None))
    is_whole = len(files) == len(diff.changes) and all(one.following is None for one in files)
    return Changes(summary(diff.changes), tuple(files), is_cut=diff.is_cut or not is_whole)


def _fitting(lines: Sequence[Line], characters: int) -> list[Line]:
    """As many lines as there is room for, each cut where nobody reads on."""
    shown = []
    for line in lines:
        short = replace(line, text=line.text[:LONGEST] + ("…" if len(line.text) > LONGEST else ""))
        characters -= len(short.text)
        if characters < 0:
            break
        shown.append(short)
    return shown


def _file(change: Change, lines: Sequence[Line], following: int | None) -> FileDiff:
    names = tuple(name for name in (change.path, change.renamed_from) if name)
    return FileDiff(_named(change), size_of((change,)), _coloured(change.path, lines), names, following)


def _coloured(path: str, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Each side of the change is coloured by itself: what was there before, and what is there now."""
    now = iter(coloured(path, [line.text for line in lines if line.kind in {"same", "added"}]))
    before = iter(coloured(path, [line.text for line in lines if line.kind in {"same", "removed"}]))
    shown = []
    for line in lines:
        if line.kind == "hunk":
            shown.append(line)
            continue
        old = next(before) if line.kind != "added" else None
        new = next(now) if line.kind != "removed" else None
        shown.append(replace(line, markup=old if new is None else new))
    return tuple(shown)


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


def _lines(part: Sequence[str]) -> Iterator[Line]:
    is_inside = False
    for line in part:
        if line.startswith("@@"):
            is_inside = True
            yield Line("hunk", line)
        elif is_inside and line[:1] in KINDS:
            yield Line(KINDS[line[:1]], line[1:])
        elif line.startswith("Binary files"):
            yield Line("hunk", "A binary file: its content is not shown.")
        elif line.startswith(("rename ", "new file", "deleted file", "old mode", "new mode")) and not is_inside:
            yield Line("hunk", line)
