"""Fields of a form: what was entered, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from starlette.datastructures import FormData, UploadFile

MOST_CHARACTERS = 200_000


@dataclass(frozen=True)
class Field:
    """One field as its macro draws it."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    error: str = ""
    mode: str = ""
    """The keyboard that a phone shows: numeric, decimal, or its usual one."""

    def entered(self, form: FormData) -> "Field":
        """The field with what a form holds for it."""
        return replace(self, value=text(form, self.name))

    def holding(self, value: str) -> "Field":
        return replace(self, value=value)

    def wrong(self, error: str) -> "Field":
        return replace(self, error=error)


def text(form: FormData, name: str) -> str:
    """What was typed: line ends as ours, no null characters, no spaces around."""
    return written(form, name).strip()


def written(form: FormData, name: str) -> str:
    """A text with the spaces that were typed: line ends as ours, no null characters."""
    return secret(form, name).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def secret(form: FormData, name: str) -> str:
    """A password exactly as it was typed."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def uploads(form: FormData, name: str) -> tuple[UploadFile, ...]:
    """The files that were chosen; browsers send an empty one when there is none."""
    return tuple(file for file in form.getlist(name) if isinstance(file, UploadFile) and file.filename)


def has_errors(fields: Iterable[Field]) -> bool:
    return any(field.error for field in fields)


def too_long(value: str) -> str:
    """What is wrong with a text that is longer than anybody reads, or nothing."""
    if len(value) <= MOST_CHARACTERS:
        return ""
    return f"This has {len(value):,} characters; {MOST_CHARACTERS:,} are kept. Put the rest into a file."
