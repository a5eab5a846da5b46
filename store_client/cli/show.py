"""Answers as tables for people and as JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from store_client.wire.record import Record

LONG = {"Name", "Why it waits"}
"""Columns whose text may go on in the next line."""
WIDE = 500
NOTHING = "\N{EN DASH}"
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def as_json(answer: Record | Sequence[Record] | Mapping[str, Any]) -> None:
    """Print an answer as the wire has it."""
    if isinstance(answer, Record):
        wire: Any = answer.to_wire()
    elif isinstance(answer, Mapping):
        wire = dict(answer)
    else:
        wire = [record.to_wire() for record in answer]
    click.echo(json.dumps(wire, ensure_ascii=False))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings, or the sentence that says why there are none."""
    lines = [[_cell(value) for value in row] for row in rows]
    if not lines:
        click.echo(empty)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, no_wrap=heading not in LONG, overflow="fold")
    for line in lines:
        drawn.add_row(*line)
    _console().print(drawn)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line; what has no value is left out."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value != "":
            drawn.add_row(name, _cell(value))
    _console().print(drawn)


def _console() -> Console:
    """The terminal, as wide as it is; a file or pipe is as wide as the text."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def number(value: float | None) -> str:
    """A score, short."""
    return NOTHING if value is None else f"{value:.6g}"


def _cell(value: object) -> Text:
    """Text as it is: what looks like markup or a control character in somebody's name is neither."""
    shown = NOTHING if value is None else str(value)
    return Text("".join(character if character.isprintable() else UNPRINTABLE for character in shown))
