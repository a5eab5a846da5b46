"""SHA-256 as headers say it: RFC 9530's `Content-Digest` and `Repr-Digest`, and the older `Digest`."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from store_client.errors import BadRequest

HEADERS = ("content-digest", "repr-digest", "digest")
_MEMBER = re.compile(r"\s*sha-256\s*=\s*(.*?)\s*", re.IGNORECASE)


def field(sha256: str) -> str:
    """The value of a digest header."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def named(headers: Mapping[str, str]) -> frozenset[str]:
    """The SHA-256 values that headers name, in hexadecimal; other algorithms are no promise of ours."""
    return frozenset(_values(headers))


def _values(headers: Mapping[str, str]) -> Iterator[str]:
    for name in HEADERS:
        for member in headers.get(name, "").split(","):
            found = _MEMBER.fullmatch(member)
            if found is not None:
                yield _decoded(name, found[1])


def _decoded(name: str, value: str) -> str:
    is_wrapped = len(value) > 1 and value[0] == value[-1] == ":"
    try:
        digest = base64.b64decode(value[1:-1] if is_wrapped else value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"the sha-256 of {name} is not base64") from error
    if len(digest) != 32 or not (is_wrapped or name == "digest"):
        raise BadRequest(f"the sha-256 of {name} is no digest: write sha-256=:<base64 of 32 bytes>:")
    return digest.hex()
