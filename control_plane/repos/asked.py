"""What a git client asks over HTTP: read from the scope, or refused before anything runs."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PATH = re.compile(r"/([A-Za-z0-9][A-Za-z0-9._-]{0,127})\.git/(info/refs|git-upload-pack|git-receive-pack)")
_PROTOCOL = re.compile(r"version=[0-2](:version=[0-2]){0,2}")
_LENGTH = re.compile(r"[0-9]{1,15}")
HEADER_BYTES = 2048

FETCH, PUSH = "git-upload-pack", "git-receive-pack"

Scope = Mapping[str, Any]


class Declined(Exception):
    """An answer in a few words instead of git's."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


@dataclass(frozen=True, slots=True)
class Asked:
    experiment: str
    service: str
    is_advertisement: bool
    credentials: tuple[str, str] | None
    content_type: str
    content_encoding: str
    content_length: int | None
    protocol: str

    @property
    def is_push(self) -> bool:
        return self.service == PUSH


def read(scope: Scope) -> Asked:
    """The request, or Declined: only smart HTTP, only fetch and push."""
    experiment, action = _path(scope)
    is_advertisement = action == "info/refs"
    service = _advertised(scope) if is_advertisement else action
    if scope["method"] != ("GET" if is_advertisement else "POST"):
        raise Declined(405, "method not allowed", {"Allow": "GET" if is_advertisement else "POST"})
    headers = _headers(scope)
    return Asked(
        experiment=experiment,
        service=service,
        is_advertisement=is_advertisement,
        credentials=_credentials(headers.get("authorization", "")),
        content_type=headers.get("content-type", ""),
        content_encoding=_encoding(headers.get("content-encoding", "")),
        content_length=_length(headers.get("content-length")),
        protocol=headers.get("git-protocol", "") if _PROTOCOL.fullmatch(headers.get("git-protocol", "")) else "",
    )


def _path(scope: Scope) -> tuple[str, str]:
    path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
    found = _PATH.fullmatch(path)
    if found is None:
        raise Declined(404, "there is no such repository")
    return found[1], found[2]


def _advertised(scope: Scope) -> str:
    query = bytes(scope.get("query_string", b""))
    for service in (FETCH, PUSH):
        if query == f"service={service}".encode():
            return service
    raise Declined(403, "only git's smart HTTP protocol is spoken here")


def _headers(scope: Scope) -> dict[str, str]:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if any(len(value) > HEADER_BYTES for value in headers.values()):
        raise Declined(431, "a header is too long")
    return headers


def _credentials(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (username, password) if colon else None


def _encoding(header: str) -> str:
    if header not in ("", "identity", "gzip", "x-gzip"):
        raise Declined(415, "only gzip is unpacked here")
    return "" if header == "identity" else header


def _length(header: str | None) -> int | None:
    if header is not None and _LENGTH.fullmatch(header) is None:
        raise Declined(400, "the content length is no number")
    return None if header is None else int(header)
