"""Multipart bodies: the one part called `file` goes to disk while it arrives, and nothing is held in memory."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from control_plane.task_store import digests
from control_plane.task_store.artifact_files import ArtifactFiles, Incoming
from store_client.errors import BadRequest, PayloadTooLarge

ENVELOPE_BYTES = 64 * 1024
"""What boundaries, headers and other fields may take beside the file."""
PRINTABLE = re.compile(r"[\x20-\x7e]{1,200}")
UNNAMED, UNTYPED = "file", "application/octet-stream"


@dataclass(frozen=True)
class Stored:
    """A file that is safely on disk, and how its sender called it."""

    sha256: str
    size_bytes: int
    filename: str
    content_type: str


async def receive(request: Request, files: ArtifactFiles) -> Stored:
    """Store the file of a multipart request; BadRequest without one, PayloadTooLarge beyond the cap."""
    boundary, promised = _boundary(request), digests.named(request.headers)
    announced = request.headers.get("content-length", "")
    received = 0
    _must_fit(int(announced) if announced.isdecimal() else 0, files)
    incoming = await run_in_threadpool(files.incoming)
    try:
        upload = Upload(boundary, incoming, promised)
        async for chunk in request.stream():
            received += len(chunk)
            _must_fit(received, files)
            await run_in_threadpool(upload.feed, chunk)
        return await run_in_threadpool(upload.finish)
    except ClientDisconnect as error:
        raise BadRequest("the upload broke off") from error
    finally:
        incoming.discard()


class Upload:
    """A multipart body on its way to one file.

    What the request's headers promise may be the hash of the body or of the file in it; the part's own is the file's.
    """

    def __init__(self, boundary: bytes, incoming: Incoming, promised: frozenset[str] = frozenset()) -> None:
        self._incoming = incoming
        self._promised, self._promised_of_file = promised, frozenset[str]()
        self._body = hashlib.sha256()
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._file: tuple[str, str] | None = None
        self._is_in_file, self._is_complete = False, False
        callbacks: Any = {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise BadRequest(f"the body is not multipart: {error}") from error

    def feed(self, chunk: bytes) -> None:
        if self._promised:
            self._body.update(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadRequest(f"the body is not multipart: {error}") from error

    def finish(self) -> Stored:
        """Keep the file, once the whole body has come."""
        if not self._is_complete:
            raise BadRequest("the body is not a complete multipart body")
        if self._file is None:
            raise BadRequest("send one part called file")
        arrived = self._incoming.sha256
        if self._promised - {arrived, self._body.hexdigest()} or self._promised_of_file - {arrived}:
            raise BadRequest(f"what arrived has another SHA-256 than was promised: {digests.field(arrived)}")
        return Stored(self._incoming.keep(), self._incoming.size_bytes, *self._file)

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._is_in_file = options.get(b"name") == b"file"
        if self._is_in_file and self._file is not None:
            raise BadRequest("send one part called file, not two")
        if self._is_in_file:
            sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._headers.items()}
            self._promised_of_file = digests.named(sent)
            self._file = _filename(options.get(b"filename")), _content_type(self._headers.get(b"content-type"))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            self._incoming.write(data[start:end])

    def _on_end(self) -> None:
        self._is_complete = True


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadRequest("send multipart/form-data with one part called file")
    return options[b"boundary"]


def _must_fit(size: int, files: ArtifactFiles) -> None:
    if size > files.max_bytes + ENVELOPE_BYTES:
        raise PayloadTooLarge(f"an artifact has at most {files.max_bytes} bytes")


def _filename(raw: bytes | None) -> str:
    """The name without folders and control characters."""
    name = re.split(r"[/\\]", (raw or b"").decode("utf-8", "replace"))[-1]
    return "".join(character for character in name if character.isprintable())[:255].strip() or UNNAMED


def _content_type(raw: bytes | None) -> str:
    text = (raw or b"").decode("latin-1").strip()
    return text if PRINTABLE.fullmatch(text) else UNTYPED
