"""Artifacts as pages show them: texts, tables, pictures and bundles; nothing of them is ever run or framed."""

import asyncio
import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from markupsafe import Markup

from store_client import Refused, Unreachable
from web_ui import bundles
from web_ui.active import Here
from web_ui.filters import with_query
from web_ui.prose import prose
from web_ui.syntax import LEXERS, coloured

Kind = Literal["prose", "code", "table", "image", "bundle", "file", "fault"]
TEXT_BYTES = 256 * 1024
BUNDLE_BYTES = 32 * 1024 * 1024
PICTURE_BYTES = 16 * 1024 * 1024
CELL = 200
COLUMNS = 16
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True)
class Room:
    """How much of a file is shown."""

    characters: int = 60_000
    lines: int = 1_500
    rows: int = 200


BRIEF = Room(characters=6_000, lines=60, rows=12)
"""What there is beside other things."""


@dataclass(frozen=True)
class Part:
    """A file in a bundle, and the page that shows it."""

    name: str
    size_bytes: int
    href: str


@dataclass(frozen=True)
class Preview:
    """A file as it is shown; what its kind does not need is empty."""

    kind: Kind
    name: str
    download_href: str
    view_href: str
    note: str = ""
    prose: Markup | None = None
    lines: tuple[Markup, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    picture_href: str = ""
    parts: tuple[Part, ...] = ()
    is_cut: bool = False


Shown = tuple[tuple[str, Preview], ...]
"""Files with what each of them is."""


async def preview(here: Here, uri: str, entry: str = "", room: Room | None = None) -> Preview:
    """A cited file, or one entry of a bundle."""
    bare = Preview("file", entry or "file", with_query(here.url("artifact"), uri=uri), _view(here, uri, entry))
    try:
        name, content = await _read(here, uri)
    except Unreachable:
        return replace(bare, kind="fault", note="The file cannot be read now; reload in a moment.")
    except Refused as refusal:
        return replace(bare, kind="fault", note=f"The file cannot be read: {refusal.detail}.")
    bare = replace(bare, name=name)
    try:
        if bundles.is_bundle(name) and not entry:
            found = await asyncio.to_thread(bundles.entries, name, content)
            parts = tuple(Part(one.name, one.size_bytes, _view(here, uri, one.name)) for one in found)
            return replace(bare, kind="bundle", parts=parts)
        if entry:
            inner = await asyncio.to_thread(bundles.read_entry, name, content, entry, TEXT_BYTES + 1)
            if inner is None:
                return replace(bare, kind="fault", note="The bundle holds no such file.")
            bare, content = replace(bare, name=entry), inner
    except bundles.Unreadable:
        return replace(bare, note="It is called a bundle, but cannot be read as one. Download it to look at it.")
    picture = with_query(here.url("artifact_picture"), uri=uri, entry=entry or None)
    return await asyncio.to_thread(_shown, replace(bare, picture_href=picture), content, room or Room())


async def beside(here: Here, cited: Iterable[tuple[str, str | None]]) -> Shown:
    """Cited files, each with what it is, as far as they fit beside the rest of a page."""
    there = [(label, uri) for label, uri in cited if uri]
    found = await asyncio.gather(*(preview(here, uri, room=BRIEF) for _, uri in there))
    return tuple(zip((label for label, _ in there), found, strict=True))


async def with_idea(here: Here, uri: str) -> Shown:
    """The files that came with the text of an idea: those of its bundle, where it is one."""
    return tuple(one for one in await beside(here, [("With the idea", uri)]) if one[1].kind == "bundle")


async def picture(here: Here, uri: str, entry: str) -> tuple[bytes, str] | None:
    """The bytes and type of a picture, if it is one by its first bytes."""
    name, content = await _read(here, uri, PICTURE_BYTES)
    if entry:
        try:
            inner = await asyncio.to_thread(bundles.read_entry, name, content, entry, PICTURE_BYTES)
        except bundles.Unreadable:
            return None
        content = inner or b""
    kind = _picture_kind(content)
    return (content, kind) if kind else None


async def _read(here: Here, uri: str, most_bytes: int = TEXT_BYTES) -> tuple[str, bytes]:
    async with here.files.read_artifact(uri) as download:
        name = download.filename
        if here.visit.offers.is_ours:
            name = (await here.store.read_artifact_info(uri)).filename
        return name, await download.read(BUNDLE_BYTES if bundles.is_bundle(name) else most_bytes + 1)


def _view(here: Here, uri: str, entry: str = "") -> str:
    return with_query(here.url("artifact_view"), uri=uri, entry=entry or None)


def _shown(bare: Preview, content: bytes, room: Room) -> Preview:
    """A file by what it is called and what it holds."""
    ending = bare.name.lower()
    if ending.endswith(PICTURE_ENDINGS) and _picture_kind(content):
        return replace(bare, kind="image")
    if ending.endswith(".pdf") or content.startswith(b"%PDF-"):
        return replace(bare, note="A PDF: download it to read it.")
    if b"\x00" in content[:8000]:
        return replace(bare, note="A binary file: download it to look at it.")
    text = content.decode(errors="replace")
    is_cut = len(content) > TEXT_BYTES or len(text) > room.characters
    return _text(replace(bare, is_cut=is_cut), text[: room.characters], room)


def _text(bare: Preview, text: str, room: Room) -> Preview:
    ending = bare.name.lower().rpartition(".")[2]
    if not text:
        return replace(bare, note="An empty file.")
    if ending in {"md", "markdown"}:
        return replace(bare, kind="prose", prose=prose(text))
    if ending in {"csv", "tsv"} and (rows := _rows(text, "\t" if ending == "tsv" else ",", room)):
        shown = rows[1 : room.rows + 1]
        return replace(bare, kind="table", head=rows[0], rows=shown, is_cut=bare.is_cut or len(rows) > len(shown) + 1)
    if ending == "json" and not bare.is_cut:
        text = _pretty(text)
    lines = text.split("\n")[: room.lines]
    is_cut = bare.is_cut or len(lines) < text.count("\n") + 1
    return replace(bare, kind="code", lines=coloured(bare.name if ending in LEXERS else "", lines), is_cut=is_cut)


def _rows(text: str, delimiter: str, room: Room) -> tuple[tuple[str, ...], ...]:
    """The first rows of a table; none where it is not written like one."""
    try:
        found = []
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            found.append(tuple(cell[:CELL] for cell in row[:COLUMNS]))
            if len(found) > room.rows + 1:
                break
    except csv.Error:
        return ()
    return tuple(row for row in found if row)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _picture_kind(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for head, kind in PICTURES.items() if content.startswith(head)), None)
