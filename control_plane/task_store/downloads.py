"""Artifacts on their way out: whole or one range, never without saying what the bytes must hash to."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from control_plane.edge.problems import MEDIA_TYPE
from control_plane.task_store import digests

CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Span:
    """Which bytes are asked for."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


def span(headers: Mapping[str, str], size: int, etag: str) -> Span | None:
    """The one range that is asked for; None when all is to be sent: a range that means nothing is ignored."""
    found = _RANGE.fullmatch(headers.get("range", "").strip())
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        return Span(int(first), min(int(last) + 1, size) if last else size)
    return Span(max(size - int(last), 0), size) if last else None


def answer(request: Request, row: RowMapping, file: IO[bytes]) -> Response:
    """The response for an artifact whose content is open; it closes the file."""
    etag = f'"{row["sha256"]}"'
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "repr-digest": digests.field(row["sha256"]),
        "content-type": row["content_type"],
        "content-disposition": _disposition(row["filename"]),
        "x-content-type-options": "nosniff",
    }
    whole = Span(0, row["size_bytes"])
    asked = span(request.headers, whole.size, etag)
    if _is_known(request.headers.get("if-none-match", ""), etag):
        file.close()
        return Response(status_code=304, headers={name: headers[name] for name in ("etag", "repr-digest")})
    if asked is not None and asked.size <= 0:
        if not request.url.path.startswith("/v0/"):
            file.close()
            return _not_satisfiable(request, whole.size)
        asked = None  # the protocol has no word for it, and whoever asks for a range may be given all
    if asked is None:
        return FileStream(file, whole, 200, headers | {"content-digest": headers["repr-digest"]})
    headers["content-range"] = f"bytes {asked.start}-{asked.stop - 1}/{whole.size}"
    return FileStream(file, asked, 206, headers)


class FileStream(Response):
    """A part of an open file, read in a thread piece by piece and closed afterwards."""

    def __init__(self, file: IO[bytes], part: Span, status: int, headers: Mapping[str, str]) -> None:
        self._file, self._part = file, part
        self.status_code, self.background = status, None
        self.init_headers(dict(headers) | {"content-length": str(part.size)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI calls
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._send_bytes(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()

    async def _send_bytes(self, send: Send) -> None:
        self._file.seek(self._part.start)
        left = self._part.size
        while left > 0 and (chunk := await asyncio.to_thread(self._file.read, min(CHUNK_BYTES, left))):
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _disposition(filename: str) -> str:
    quoted = quote(filename)
    return f"attachment; filename*=utf-8''{quoted}" if quoted != filename else f'attachment; filename="{filename}"'


def _is_known(header: str, etag: str) -> bool:
    return etag in {each.strip().removeprefix("W/") for each in header.split(",")} or header.strip() == "*"


def _not_satisfiable(request: Request, size: int) -> Response:
    detail = f"the artifact has {size} bytes"
    problem = {"type": "about:blank", "title": "Range not satisfiable", "status": 416, "detail": detail}
    headers = {"content-range": f"bytes */{size}"}
    return JSONResponse(problem | {"instance": request.url.path}, 416, headers, media_type=MEDIA_TYPE)
