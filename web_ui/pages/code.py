"""The files of a commit: folders, files with numbered lines, and downloads that are never shown as pages."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import Response

from store_client import NotFound, Unavailable
from web_ui.active import Here
from web_ui.comparisons import NO_REPOSITORY
from web_ui.diffs import LONGEST
from web_ui.filters import short_commit, with_query
from web_ui.frame import experiment_frame
from web_ui.repos import COMMIT
from web_ui.syntax import coloured
from web_ui.templating import Frame
from web_ui.trees import Entry, File, Folder, look_up

SHOWN_BYTES = 60_000
SHOWN_LINES = 1_500
RAW_BYTES = 32 * 1024 * 1024
SANDBOX = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "attachment",
    "Cache-Control": "private, max-age=3600",
}


@dataclass(frozen=True)
class EntryRow:
    """One thing in a folder; no address where its name is no text."""

    name: str
    kind: str
    size_bytes: int | None
    href: str | None


@dataclass(frozen=True)
class CodePage:
    """The page at /e/{experiment}/code/{commit}."""

    template: ClassVar[str] = "code/show.html"

    frame: Frame
    commit: str
    name: str
    crumbs: tuple[tuple[str, str | None], ...]
    is_folder: bool
    entries: tuple[EntryRow, ...]
    lines: tuple[Markup, ...]
    size_bytes: int | None
    raw_href: str | None
    is_cut: bool
    note: str


async def show(here: Here) -> Response:
    """A folder or a file."""
    commit, inner = _asked(here)
    found, fleet = await asyncio.gather(_found(here, commit, inner, SHOWN_BYTES), here.visit.fleet())
    frame = experiment_frame(here, f"{inner or 'Files'} at {short_commit(commit)}", "variants", fleet)
    folder = found if isinstance(found, Folder) else None
    file = found if isinstance(found, File) else None
    lines = await asyncio.to_thread(_lines, file) if file else ()
    page = CodePage(
        frame=frame,
        commit=commit,
        name=inner.rpartition("/")[2] or "Files",
        crumbs=_crumbs(here, commit, inner),
        is_folder=folder is not None,
        entries=tuple(_row(here, commit, one) for one in folder.entries) if folder else (),
        lines=lines,
        size_bytes=file.entry.size_bytes if file else None,
        raw_href=with_query(here.url("raw", commit=commit), path=inner) if file and file.entry.kind == "file" else None,
        is_cut=found.is_cut or (file is not None and _count(file) > len(lines) > 0),
        note=_note(file) if file else "",
    )
    return here.visit.show(page)


async def raw(here: Here) -> Response:
    """A file as it is: always an attachment, in a sandbox, of no type that a browser would open."""
    commit, inner = _asked(here)
    found = await _found(here, commit, inner, RAW_BYTES)
    if not isinstance(found, File) or found.entry.kind != "file":
        raise NotFound("there is no such file")
    if found.is_cut:
        raise NotFound(f"the file is larger than {RAW_BYTES >> 20} MiB: clone the repository to read it")
    safe = "".join(one for one in found.entry.name if one.isascii() and (one.isalnum() or one in "._-"))[:100] or "file"
    headers = SANDBOX | {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(found.content, media_type="application/octet-stream", headers=headers)


def _asked(here: Here) -> tuple[str, str]:
    commit = str(here.visit.request.path_params["commit"])
    if not COMMIT.fullmatch(commit):
        raise NotFound("a commit is named by all of its digits")
    return commit, here.visit.request.query_params.get("path", "").strip("/")


async def _found(here: Here, commit: str, inner: str, most_bytes: int) -> Folder | File:
    if here.clone is None:
        raise Unavailable(NO_REPOSITORY)
    found = await here.clone.look([commit], lambda git, path: look_up(git, path, commit, inner, most_bytes))
    if found is None:
        raise NotFound(f"there is no {inner or 'such'} at commit {short_commit(commit)}"[:200])
    return found


def _lines(file: File) -> tuple[Markup, ...]:
    """The lines of a file with its colours."""
    if file.is_binary or file.entry.kind == "submodule":
        return ()
    texts = [line[:LONGEST] for line in _text(file)[:SHOWN_LINES]]
    return coloured(file.entry.path, texts)


def _text(file: File) -> list[str]:
    """Lines; the last one is dropped where the reading ended within it."""
    lines = file.content.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return lines[:-1] if len(lines) > 1 and (file.is_cut or not lines[-1]) else lines


def _count(file: File) -> int:
    return len(_text(file))


def _note(file: File) -> str:
    if file.entry.kind == "submodule":
        return f"Another repository at {file.entry.object_id}."
    if file.entry.kind == "link":
        return "A link; what it says is where it leads."
    if file.is_binary:
        return "A binary file: download it to look at it."
    return "" if file.content else "An empty file."


def _row(here: Here, commit: str, one: Entry) -> EntryRow:
    href = with_query(here.url("code", commit=commit), path=one.path) if one.is_text else None
    return EntryRow(one.name, one.kind, one.size_bytes, href)


def _crumbs(here: Here, commit: str, inner: str) -> tuple[tuple[str, str | None], ...]:
    """The way down to what is shown; the last of it is where this is."""
    parts = inner.split("/") if inner else []
    at = here.url("code", commit=commit)
    above = [(short_commit(commit), at)] + [
        (part, with_query(at, path="/".join(parts[: place + 1]))) for place, part in enumerate(parts)
    ]
    return (*above[:-1], (above[-1][0], None))
