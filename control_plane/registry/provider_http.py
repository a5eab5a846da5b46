"""Questions to the OpenID Connect provider over HTTP: no redirects, and limits of time and size on every one."""

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

SECONDS = 4.0
MAX_ANSWER_BYTES = 256 * 1024
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Away(Exception):
    """The provider gave no usable answer."""


class Declined(Exception):
    """The provider answered that it does not do this."""


@dataclass(frozen=True)
class Question:
    """One question; with a form it is a POST."""

    url: str
    form: tuple[tuple[str, str], ...] | None = None
    basic: tuple[str, str] | None = None
    """Whom the client says to be, and its secret."""

    def request(self) -> urllib.request.Request:
        body = None if self.form is None else urlencode(self.form).encode()
        asked = urllib.request.Request(self.url, body, {"Accept": "application/json"})  # noqa: S310 - `ask` looked at the scheme
        if self.basic is not None:
            pair = ":".join(quote(part, safe="") for part in self.basic)
            asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
        return asked


class Unmoved(urllib.request.HTTPRedirectHandler):
    """Where a provider leads elsewhere, secrets do not follow."""

    def redirect_request(self, *_: Any) -> None:
        return None


def is_safe(url: str) -> bool:
    """Whether nobody between here and there can read along."""
    try:
        parts = urlsplit(url)
        is_near = parts.hostname in LOOPBACK
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_near))


def ask(question: Question, seconds: float = SECONDS) -> dict[str, Any]:
    """The object that the provider answers; blocking."""
    if not is_safe(question.url):
        raise Away(f"{question.url[:200]} is not an https address")
    ends = time.monotonic() + seconds
    try:
        with urllib.request.build_opener(Unmoved).open(question.request(), timeout=seconds) as answer:
            found = json.loads(_read(answer, ends))
    except urllib.error.HTTPError as error:
        with error:
            said = f"{question.url} answered {error.code}"
        raise (Declined if 400 <= error.code < 500 and error.code != 429 else Away)(said) from error
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise Away(f"{question.url} gave no usable answer: {error}") from error
    if not isinstance(found, dict):
        raise Away(f"{question.url} gave no object")
    return found


def _read(answer: IO[bytes], ends: float) -> bytes:
    """The body, piece by piece, so that one which trickles in forever ends."""
    found = b""
    while piece := answer.read1(64 * 1024):  # type: ignore[attr-defined] # http.client's answer has it
        found += piece
        if len(found) > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too large")
        if time.monotonic() > ends:
            raise TimeoutError("the answer takes too long")
    return found
