"""What a person writes to narrow a list: `state:pending worker:"Ada L" word`. Reading never fails, and comes back.

A term is a field and its value with a colon between, anything else is a word; whatever holds spaces stands in quotes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOKEN = re.compile(r'(?:(?P<key>[A-Za-z]+):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"(?!\S)|(?P<plain>\S*))', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
LONGEST = 300


@dataclass(frozen=True)
class Term:
    """One condition; the field of a word is empty."""

    field: str
    value: str

    def __str__(self) -> str:
        token = TOKEN.match(self.value)
        is_plain = self.value and not any(one.isspace() or one == '"' for one in self.value)
        if is_plain and (self.field or token is None or token["key"] is None):
            value = self.value
        else:
            value = '"' + self.value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{self.field}:{value}" if self.field else value


@dataclass(frozen=True)
class Field:
    """What a list can be narrowed by; without values, any is taken."""

    name: str
    values: tuple[str, ...] = ()
    example: str = ""

    @property
    def suggestions(self) -> tuple[str, ...]:
        return tuple(str(Term(self.name, value)) for value in self.values or (self.example,))


@dataclass(frozen=True)
class Narrowing:
    """What was written, what of it is understood, and in words what is not."""

    text: str
    chosen: dict[str, str]
    words: tuple[str, ...]
    problem: str = ""


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a text, in their order."""
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = TOKEN.match(text, at)
        assert token is not None  # noqa: S101 - every part of the pattern may be empty
        quoted = token["quoted"]
        value = token["plain"] if quoted is None else ESCAPED.sub(r"\1", quoted)
        found.append(Term((token["key"] or "").lower(), value))
        at = token.end()
    return tuple(found)


def write(terms: Iterable[Term]) -> str:
    """The text that reads as these terms."""
    return " ".join(map(str, terms))


def narrowing(text: str, fields: Sequence[Field]) -> Narrowing:
    """A text as conditions on a list with these fields."""
    text = text[:LONGEST].strip()
    by_name, words, problem = {one.name: one for one in fields}, [], ""
    chosen: dict[str, str] = {}
    for term in parse(text):
        if not term.field:
            words.append(term.value)
            continue
        wrong = _wrong(term, by_name.get(term.field), chosen, tuple(by_name))
        problem = problem or wrong
        if not wrong:
            chosen[term.field] = term.value
    return Narrowing(text, chosen, tuple(words), problem)


def _wrong(term: Term, field: Field | None, chosen: dict[str, str], names: tuple[str, ...]) -> str:
    if field is None:
        return f"This list cannot be narrowed by “{term.field}”, only by {', '.join(names)}."
    if term.field in chosen:
        return f"“{term.field}” is there twice; a list has one {term.field} at a time."
    if field.values and term.value not in field.values:
        return f"“{term.field}” is one of {', '.join(field.values)}; “{term.value}” is none of them."
    return "" if term.value else f"Say which after “{term.field}:”."
