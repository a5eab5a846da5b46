"""What a person writes to narrow a list: `state:pending worker:"Ada L" age<2h word`. Reading never fails.

A term is a field and its value with a colon or a comparison between, anything else is a word; whatever holds spaces
stands in quotes. What is read can be written again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

TOKEN = re.compile(
    r"(?:(?P<key>[A-Za-z][\w.-]*)(?P<operator>:|[<>]=?))?"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"(?!\S)|(?P<plain>\S*))',
    re.DOTALL,
)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
AGE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST = 300
Operator = Literal[":", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Term:
    """One condition; the field of a word is empty."""

    field: str
    value: str
    operator: Operator = ":"

    def __str__(self) -> str:
        token = TOKEN.match(self.value)
        is_plain = self.value and not any(one.isspace() or one == '"' for one in self.value)
        is_plain = is_plain and not (self.operator in {"<", ">"} and self.value.startswith("="))
        if is_plain and (self.field or token is None or token["key"] is None):
            value = self.value
        else:
            value = '"' + self.value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{self.field}{self.operator}{value}" if self.field else value

    @property
    def is_least(self) -> bool:
        """Whether a comparison says how much it is at least."""
        return self.operator.startswith(">")


@dataclass(frozen=True)
class Field:
    """What a list can be narrowed by; without values, any is taken. A number or an age is compared."""

    name: str
    values: tuple[str, ...] = ()
    example: str = ""
    takes: Literal["word", "number", "age"] = "word"

    @property
    def suggestions(self) -> tuple[str, ...]:
        if self.takes != "word":
            return tuple(str(Term(self.name, self.example, operator)) for operator in _BOTH)
        return tuple(str(Term(self.name, value)) for value in self.values or (self.example,))


def suggestions(fields: Iterable[Field]) -> tuple[str, ...]:
    """What may be written of some fields."""
    return tuple(each for one in fields for each in one.suggestions)


_BOTH: tuple[Operator, Operator] = ("<", ">")


@dataclass(frozen=True)
class Narrowing:
    """What was written, what of it is understood, and in words what is not."""

    text: str
    chosen: dict[str, str]
    words: tuple[str, ...]
    problem: str = ""
    compared: tuple[Term, ...] = ()


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
        found.append(Term(token["key"] or "", value, _operator(token["operator"])))
        at = token.end()
    return tuple(found)


def _operator(written: str | None) -> Operator:
    return next((one for one in _OPERATORS if one == written), ":")


_OPERATORS: tuple[Operator, ...] = ("<", "<=", ">", ">=")


def write(terms: Iterable[Term]) -> str:
    """The text that reads as these terms."""
    return " ".join(map(str, terms))


def without(text: str, field: str) -> str | None:
    """A text less its terms of a field; None when nothing is left."""
    return write(term for term in parse(text) if term.field.lower() != field) or None


def narrowing(text: str, fields: Sequence[Field]) -> Narrowing:
    """A text as conditions on a list with these fields; a field is found in any case where no other differs by it."""
    text = text[:LONGEST].strip()
    by_name = {**{one.name.lower(): one for one in fields}, **{one.name: one for one in fields}}
    words: list[str] = []
    compared: list[Term] = []
    chosen: dict[str, str] = {}
    problem = ""
    for written in parse(text):
        if not written.field:
            words.append(written.value)
            continue
        field = by_name.get(written.field) or by_name.get(written.field.lower())
        term = Term(field.name if field else written.field, written.value, written.operator)
        wrong = _wrong(term, field, fields) or _again(term, chosen, compared)
        problem = problem or wrong
        if not wrong and term.operator == ":":
            chosen[term.field] = term.value
        elif not wrong:
            compared.append(term)
    return Narrowing(text, chosen, tuple(words), problem, tuple(compared))


def _wrong(term: Term, field: Field | None, fields: Sequence[Field]) -> str:
    if field is None:
        return f"This list cannot be narrowed by “{term.field}”, only by {', '.join(one.name for one in fields)}."
    if not term.value:
        return f"Say which after “{term.field}{term.operator}”."
    if (field.takes == "word") is not (term.operator == ":"):
        return f"“{term.field}” is asked for like {' or '.join(field.suggestions[:2])}."
    return _odd(term, field)


def _odd(term: Term, field: Field) -> str:
    """What is wrong with the value of a term."""
    if field.values and term.value not in field.values:
        return f"“{term.field}” is one of {', '.join(field.values)}; “{term.value}” is none of them."
    if field.takes == "number" and number(term.value) is None:
        return f"“{term.field}” is compared with a number; “{term.value}” is none."
    if field.takes == "age" and seconds(term.value) is None:
        return f"“{term.field}” is compared with a time like 30m, 2h or 5d; “{term.value}” is none."
    return ""


def _again(term: Term, chosen: dict[str, str], compared: Sequence[Term]) -> str:
    is_there = term.field in chosen if term.operator == ":" else _same_bound(term, compared)
    return f"“{term.field}” is there twice; a list has one {term.field} at a time." if is_there else ""


def _same_bound(term: Term, compared: Sequence[Term]) -> bool:
    return any((one.field, one.is_least) == (term.field, term.is_least) for one in compared)


def number(text: str) -> float | None:
    """A finite number that a person wrote."""
    try:
        value = float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def seconds(text: str) -> float | None:
    """How many seconds a time like 30m, 2h or 5d is."""
    found = AGE.fullmatch(text)
    return float(found[1]) * SECONDS[found[2]] if found else None
