"""A file on its way out: as long as it is when it is asked for, whole or one range of it."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from control_plane.scheduler import logs
from control_plane.scheduler.logs import LogFile

CHUNK_BYTES = 256 * 1024
SEND_SECONDS = 30.0
"""How long a client may leave what was sent to it."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Span(NamedTuple):
    """From one byte to before another."""

    start: int
    stop: int


def span(asked: str, size: int) -> Span | None:
    """The one range that is asked for; None when all is to be sent: a range that means nothing is ignored."""
    found = _RANGE.fullmatch(asked.strip())
    first, last = found.groups() if found is not None else ("", "")
    if first and last and int(last) < int(first):
        return None
    if first:
        return Span(int(first), min(int(last) + 1, size) if last else size)
    return Span(max(size - int(last), 0), size) if last else None


class FileDownload(Response):
    """Reads a file in pieces, each on a thread of its own, and drops a client that takes none for a while."""

    def __init__(self, request: Request, path: Path, headers: Mapping[str, str]) -> None:
        size = logs.size(path)
        asked = span(request.headers.get("range", ""), size)
        self.path, self.span = path, asked or Span(0, size)
        told = {"x-content-type-options": "nosniff", "accept-ranges": "bytes", **headers}
        status = 200
        if asked is not None:
            is_within = asked.start < size
            status = 206 if is_within else 416
            told["content-range"] = f"bytes {asked.start}-{asked.stop - 1}/{size}" if is_within else f"bytes */{size}"
            self.span = asked if is_within else Span(0, 0)
        told["content-length"] = str(self.span.stop - self.span.start)
        super().__init__(None, status, told)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        at = self.span.start
        while at < self.span.stop:
            data = await asyncio.to_thread(self._read, at)
            if not data:  # it was removed meanwhile: the missing end tells the client
                return
            at += len(data)
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": data, "more_body": at < self.span.stop})
        if self.span.start == self.span.stop:
            await send({"type": "http.response.body", "body": b""})

    def _read(self, at: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(at)
                return file.read(min(CHUNK_BYTES, self.span.stop - at))
        except OSError:
            return b""


class LogDownload(FileDownload):
    """The log of an attempt."""

    def __init__(self, request: Request, log: LogFile) -> None:
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "content-disposition": f'attachment; filename="job-{log.number}-attempt-{log.attempt}.log"',
        }
        super().__init__(request, log.path, headers)
