"""What differs between two texts that people wrote, as the lines that pages draw."""

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff

from web_ui.diffs import FileDiff, Line
from web_ui.filters import MINUS

PLACE = re.compile(r"([-+])(\d+)")
KINDS = {"+": "added", "-": "removed", " ": "same", "@": "hunk"}
AROUND = 3
LONGEST = 600
MOST_SHOWN = 400
MOST_LINES = 2_000
"""Beyond so many lines on a side that are not the same at either end, comparing takes too long."""


def between(before: str, after: str, name: str) -> FileDiff | None:
    """What changed from one text to another; None when they are the same."""
    if before == after:
        return None
    old, new = before.splitlines(), after.splitlines()
    start = _shared(zip(old, new, strict=False))
    end = _shared(zip(reversed(old[start:]), reversed(new[start:]), strict=False))
    if max(len(old), len(new)) - start - end > MOST_LINES:
        return FileDiff(name, f"{len(old):,} lines before, {len(new):,} now: too many to compare", ())
    start, end = max(0, start - AROUND), max(0, end - AROUND)
    lines = tuple(_lines(old[start : len(old) - end], new[start : len(new) - end], start))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    return FileDiff(name, f"+{added} {MINUS}{removed}", _fitting(lines))


def _fitting(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """As many lines as a page shows."""
    rest = len(lines) - MOST_SHOWN
    return (*lines[:MOST_SHOWN], Line("hunk", f"… and {rest:,} more lines")) if rest > 0 else lines


def _shared(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _lines(old: Sequence[str], new: Sequence[str], start: int) -> Iterator[Line]:
    """The lines of the difference; so many that are the same come before these."""
    for number, line in enumerate(unified_diff(old, new, lineterm="", n=AROUND)):
        if number > 1:  # the first two name the files
            kind = KINDS[line[0]]
            text = line[1:] if kind != "hunk" else PLACE.sub(lambda found: f"{found[1]}{int(found[2]) + start}", line)
            yield Line(kind, text[:LONGEST] + ("…" if len(text) > LONGEST else ""))
