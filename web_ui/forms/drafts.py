"""What a desk's form carries of its draft: every word of it, the files chosen now, and those that were kept before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from store_client import DraftFile
from web_ui.forms.field import Field, text, uploads
from web_ui.session import Cookies

CLAIM, ACT, VERSION, KEPT = "claim", "act", "draft", "kept"
NO_WORDS = frozenset({CLAIM, ACT, VERSION, KEPT})
Words = tuple[tuple[str, str], ...]
"""What was entered, for people: the label of a field and what stands in it."""


@dataclass(frozen=True)
class Entered:
    """A form as it was sent; `version` is that of the draft it was drawn from, 0 for none."""

    fields: Mapping[str, str]
    chosen: tuple[tuple[str, UploadFile], ...] = ()
    kept: tuple[DraftFile, ...] = ()
    version: int = 0

    def chosen_in(self, field: str) -> tuple[UploadFile, ...]:
        return tuple(file for name, file in self.chosen if name == field)

    def kept_in(self, field: str) -> tuple[DraftFile, ...]:
        return tuple(file for file in self.kept if file.field == field)


def entered(form: FormData, cookies: Cookies) -> Entered:
    """Everything that a form holds; files whose mark was changed on its way are left out."""
    marked = (cookies.unsign(mark) for mark in form.getlist(KEPT) if isinstance(mark, str))
    kept = tuple(DraftFile.model_validate(file) for file in marked if isinstance(file, dict))
    version = text(form, VERSION)
    is_number = version.isascii() and version.isdecimal() and len(version) < 16
    return Entered(words_in(form), files_in(form), kept, int(version) if is_number else 0)


def words_in(form: FormData) -> dict[str, str]:
    """Every field of a form in which something stands."""
    names = dict.fromkeys(name for name in form if name not in NO_WORDS and isinstance(form.get(name), str))
    return {name: value for name in names if (value := text(form, name))}


def files_in(form: FormData) -> tuple[tuple[str, UploadFile], ...]:
    """The files that were chosen now, each with its field."""
    return tuple((name, file) for name in dict.fromkeys(form) for file in uploads(form, name))


def mark(cookies: Cookies, file: DraftFile) -> str:
    """A kept file as the value of its checkbox, which nobody can change."""
    return cookies.sign(file.model_dump(mode="json"))


def again(fields: Mapping[str, str]) -> FormData:
    """A draft as the form that it was."""
    return FormData(list(fields.items()))


def words(fields: Iterable[Field]) -> Words:
    """What a person has written into a form: its labels, and what stands beside them."""
    return tuple((field.label, field.value) for field in fields if field.value)
