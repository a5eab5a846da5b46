"""Colours of code: a few kinds of words as classes of ours, line by line; text of an unknown kind stays as it is."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from markupsafe import Markup, escape
from pygments.lexers import get_lexer_by_name
from pygments.token import Token
from pygments.util import ClassNotFound

MOST_CHARACTERS = 60_000
LONGEST_LINE = 1_000
LEXERS: Mapping[str, str] = MappingProxyType(
    {
        "py": "python", "pyi": "python", "json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml", "ini": "ini",
        "cfg": "ini", "sh": "bash", "bash": "bash", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "hpp": "cpp",
        "cu": "cuda", "rs": "rust", "go": "go", "java": "java", "js": "javascript", "mjs": "javascript",
        "ts": "typescript", "html": "html", "xml": "xml", "svg": "xml", "css": "css", "sql": "sql", "r": "r",
        "jl": "julia", "lua": "lua", "tex": "latex", "makefile": "make", "dockerfile": "docker", "ipynb": "json",
    }
)  # fmt: skip
KINDS = (
    (Token.Comment, "c"),
    (Token.Literal.String, "s"),
    (Token.Literal.Number, "n"),
    (Token.Keyword, "k"),
    (Token.Name.Function, "f"),
    (Token.Name.Class, "f"),
    (Token.Name.Decorator, "f"),
    (Token.Name.Tag, "k"),
    (Token.Name.Attribute, "f"),
)


def coloured(path: str, lines: Sequence[str]) -> tuple[Markup, ...]:
    """The lines as HTML; `path` says what they are."""
    text = "\n".join(lines)
    name = LEXERS.get(path.rpartition("/")[2].rpartition(".")[2].lower())
    if name is None or len(text) > MOST_CHARACTERS or any(len(line) > LONGEST_LINE for line in lines):
        return tuple(escape(line) for line in lines)
    try:
        lexer = get_lexer_by_name(name, stripnl=False, stripall=False, ensurenl=False)
    except ClassNotFound:
        return tuple(escape(line) for line in lines)
    found = tuple(_lines(lexer.get_tokens(text)))
    return found if len(found) == len(lines) else tuple(escape(line) for line in lines)


def _lines(tokens: Iterator[tuple[object, str]]) -> Iterator[Markup]:
    line: list[tuple[str, str]] = []
    for token, text in tokens:
        kind = next((one for of, one in KINDS if token in of), "")
        for place, part in enumerate(text.split("\n")):
            if place:
                yield _markup(line)
                line = []
            if part:
                line.append((kind, part))
    yield _markup(line)


def _markup(line: Sequence[tuple[str, str]]) -> Markup:
    """Words of one kind that stand together share an element."""
    shown, kind, words = Markup(), "", ""
    for one, text in (*line, ("end", "")):
        if one != kind and words:
            shown += Markup('<i class="t-{}">{}</i>').format(kind, words) if kind else escape(words)
            words = ""
        kind, words = one, words + text
    return shown
