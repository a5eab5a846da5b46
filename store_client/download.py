"""A file on its way in: piece by piece, taken up again where a connection broke, and checked where that can be."""

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from store_client.errors import ProtocolBroken, Unreachable

RESUMPTIONS = 3
DIGESTS = ("repr-digest", "content-digest", "digest")
SHA_256 = re.compile(r"sha-256\s*=\s*:?([A-Za-z0-9+/]+=*):?", re.IGNORECASE)


class Source(Protocol):
    """A response whose content is still to come."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The content as it comes; Unreachable when it breaks off."""
        ...


Resume = Callable[[Mapping[str, str]], Awaitable[Source]]
"""Asks for the same file again with further headers."""


@dataclass(frozen=True)
class Download:
    """A file while it arrives."""

    content_type: str
    filename: str
    source: Source = field(repr=False)
    resume: Resume | None = field(default=None, repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content piece by piece; ProtocolBroken at its end when it is not what its digest promised."""
        source, digest, size = self.source, hashlib.sha256(), 0
        for left in reversed(range(RESUMPTIONS + 1)):
            try:
                async for chunk in source.pieces():
                    digest.update(chunk)
                    size += len(chunk)
                    yield chunk
                break
            except Unreachable as broken:
                source = await self._rest(size if left else None, broken)
        promised = promised_digest(self.source.headers)
        if promised is not None and promised != digest.digest():
            raise ProtocolBroken("the file arrived with another content than its digest promises")

    async def read(self, limit: int | None = None) -> bytes:
        """The whole content, or no more than the first `limit` bytes of it."""
        content = bytearray()
        async for chunk in self.chunks():
            content += chunk
            if limit is not None and len(content) >= limit:
                return bytes(content[:limit])
        return bytes(content)

    async def _rest(self, start: int | None, broken: Unreachable) -> Source:
        """The same file from a byte on, where the server can tell that it is the same; else the error."""
        etag = self.source.headers.get("etag", "")
        if start is None or self.resume is None or not can_resume(self.source.headers):
            raise broken
        rest = await self.resume({"Range": f"bytes={start}-", "If-Range": etag})
        if rest.status != 206 or not rest.headers.get("content-range", "").startswith(f"bytes {start}-"):
            raise broken
        return rest


def can_resume(headers: Mapping[str, str]) -> bool:
    etag = headers.get("etag", "")
    return headers.get("accept-ranges") == "bytes" and etag.startswith('"') and _is_identity(headers)


def promised_digest(headers: Mapping[str, str]) -> bytes | None:
    """The SHA-256 that headers promise of the whole content, if any."""
    for found in (SHA_256.search(headers.get(name, "")) for name in DIGESTS):
        if found is not None and _is_identity(headers):
            try:
                return base64.b64decode(found[1], validate=True)
            except binascii.Error:
                return None
    return None


def filename_of(headers: Mapping[str, str]) -> str:
    """The name that Content-Disposition offers, or an empty one."""
    disposition = str(headers.get("content-disposition", ""))
    _, is_quoted, quoted = disposition.partition("filename*=")
    if is_quoted:
        return unquote(quoted.partition(";")[0].strip().strip('"').rpartition("'")[2])
    return disposition.partition("filename=")[2].partition(";")[0].strip().strip('"')


def _is_identity(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "identity") == "identity"
