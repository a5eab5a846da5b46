"""Metrics of an evaluation whose schema nobody has told: rows of a name and a value each."""

import math
import re
from dataclasses import dataclass, replace

from pydantic import JsonValue
from starlette.datastructures import FormData

from web_ui.forms.field import Field, text, too_long

ROWS, MOST_ROWS = 3, 60
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_DIGITS = 300


@dataclass(frozen=True)
class Row:
    """The two fields of one metric."""

    name: Field
    value: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.name, self.value)

    @property
    def is_blank(self) -> bool:
        return not (self.name.value or self.value.value)


def blank(count: int = ROWS) -> tuple[Row, ...]:
    """Rows to fill in."""
    numbers = range(1, min(count, MOST_ROWS) + 1)
    return tuple(Row(Field(f"measure-{n}", f"Metric {n}"), Field(f"value-{n}", "Value")) for n in numbers)


def entered(form: FormData) -> tuple[Row, ...]:
    """The rows with what was typed, as many as there were."""
    typed = text(form, "rows")
    count = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 4 else ROWS
    return tuple(Row(row.name.entered(form), row.value.entered(form)) for row in blank(max(1, count)))


def with_room(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows and one more."""
    return (*rows, *blank(len(rows) + 1)[len(rows) :])


def checked(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows with what is wrong."""
    seen: set[str] = set()
    found = []
    for row in rows:
        found.append(row if row.is_blank else _checked(row, seen))
        seen.add(row.name.value)
    return tuple(found)


def measured(rows: tuple[Row, ...]) -> dict[str, JsonValue]:
    """The metrics of rows in which nothing is wrong."""
    return {row.name.value: read(row.value.value) for row in rows if not row.is_blank}


def read(typed: str) -> JsonValue:
    """A number where it reads as one, else words."""
    if len(typed) >= MOST_DIGITS or "_" in typed:
        return typed
    for kind in (int, float):
        try:
            value = kind(typed)
        except ValueError:
            continue
        return value if math.isfinite(value) else typed
    return typed


def _checked(row: Row, seen: set[str]) -> Row:
    name, value = row.name.value, row.value.value
    wrong = "" if NAME.fullmatch(name) else "A metric's name has letters, digits and underscores."
    wrong = wrong or ("This metric stands above already." if name in seen else "")
    missing = too_long(value) or ("" if value else "Enter what was measured.")
    return replace(row, name=row.name.wrong(wrong), value=row.value.wrong(missing))
