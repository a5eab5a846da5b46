"""Texts as the words that an index keeps, and what is asked for as the same words."""

import re
from collections.abc import Iterable, Iterator

WORD = re.compile(r"[^\W_]+")
MOST, LONGEST = 400, 64
MOST_ASKED = 12


def words(*texts: str) -> Iterator[str]:
    """The words of some texts in lower case, each once, no more than an entry keeps."""
    seen: set[str] = set()
    for text in texts:
        for found in WORD.finditer(text.lower()):
            word = found.group()[:LONGEST]
            if len(seen) == MOST:
                return
            if word not in seen:
                seen.add(word)
                yield word


def asked(text: str) -> tuple[str, ...]:
    """The words of a question."""
    return tuple(words(text))[:MOST_ASKED]


def of_scope(experiment_id: str) -> str:
    """A word that every entry of an experiment has, and no text would."""
    return "scope" + "".join(WORD.findall(experiment_id.lower()))


def of_kind(kind: str) -> str:
    """A word that every entry of a kind has."""
    return "kind00" + kind


def for_sqlite(groups: Iterable[tuple[str, ...]], last: str, *, is_prefix: bool) -> str:
    """The question as FTS5 reads it: one word of each group, and the last one."""
    told = [" OR ".join(f'"{word}"' for word in group) for group in groups]
    parts = [f"({each})" for each in told] + ([f'"{last}"' + (" *" if is_prefix else "")] if last else [])
    return " AND ".join(parts)


def for_postgresql(groups: Iterable[tuple[str, ...]], last: str, *, is_prefix: bool) -> str:
    """The same as a tsquery."""
    told = [" | ".join(f"'{word}'" for word in group) for group in groups]
    parts = [f"({each})" for each in told] + ([f"'{last}'" + (":*" if is_prefix else "")] if last else [])
    return " & ".join(parts)
