"""SHA-256 of a file that is about to be sent, as RFC 9530's `Content-Digest` says it."""

import base64
import hashlib
from typing import IO

CHUNK_BYTES = 1024 * 1024


def content_digest(content: bytes | IO[bytes]) -> str | None:
    """The header's value; None for a stream that can be read once only. A file is read through and rewound."""
    if isinstance(content, bytes):
        return _field(hashlib.sha256(content))
    if not content.seekable():
        return None
    content.seek(0)
    digest = hashlib.sha256()
    while piece := content.read(CHUNK_BYTES):
        digest.update(piece)
    content.seek(0)
    return _field(digest)


def _field(digest: "hashlib._Hash") -> str:
    return f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
