"""Texts that workers and people wrote, as safe HTML: no markup of theirs, no pictures, links that lead outwards."""

from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

MOST_CHARACTERS = 200_000
LOOKED_AT = 4_000
"""Characters of a text of which no more than the gist is wanted."""
LINK_KINDS = frozenset({"http", "https", "mailto"})


def prose(text: str) -> Markup:
    """Markdown as HTML; what is longer than people read is cut."""
    html = _reader().render(text[:MOST_CHARACTERS]).replace("<pre>", '<pre tabindex="0">')  # keys can scroll it
    return Markup(html)  # noqa: S704 - the reader escapes everything that is not its own


def gist(text: str, characters: int) -> str:
    """The beginning of what a text says, in plain words: no marks, no headings and no code, unless that is all."""
    kinds: dict[str, list[str]] = {"said": [], "headed": [], "code": []}
    opened = ""
    for token in _reader().parse(text[:LOOKED_AT]):
        if token.type == "inline":
            kinds["headed" if opened == "heading_open" else "said"].append(_words(token.children or ()))
        elif token.type in {"fence", "code_block"}:
            kinds["code"].append(token.content)
        opened = token.type
    words = " ".join(" ".join(next((part for part in kinds.values() if part), ())).split())
    return words if len(words) <= characters else f"{words[:characters].rsplit(' ', 1)[0]} …"


def _words(children: Sequence[Token]) -> str:
    """The text of a line without its marks."""
    return "".join(" " if "break" in one.type else one.content for one in children)


def _reader() -> MarkdownIt:
    reader = (
        MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table").disable(["image", "html_inline"])
    )
    reader.validateLink = is_outward  # type: ignore[method-assign] # the library's own way to say which links are good
    reader.add_render_rule("link_open", _open_link)
    reader.add_render_rule("heading_open", _open_heading)
    reader.add_render_rule("heading_close", _close_heading)
    return reader


def is_outward(url: str) -> bool:
    """Whether a link names another place by a harmless scheme; one without a scheme would act on this console."""
    try:
        return urlsplit(url.strip()).scheme.lower() in LINK_KINDS
    except ValueError:
        return False


def _open_link(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    place: int,
    options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    tokens[place].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, place, options, _env)  # type: ignore[attr-defined, no-any-return] # the protocol lacks it


def _open_heading(*_given: Any) -> str:
    """Headings of a text stand below those of the page."""
    return "<h3>"


def _close_heading(*_given: Any) -> str:
    return "</h3>\n"
