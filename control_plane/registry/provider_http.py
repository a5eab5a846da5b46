"""Questions to the OpenID Connect provider over HTTP: no redirects, and limits of time and size on every one."""

import base64
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

SECONDS = 4.0
MAX_ANSWER_BYTES = 256 * 1024
NOT_KNOWN = frozenset({"invalid_client", "unauthorized_client"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Away(Exception):
    """The provider gave no usable answer."""


class Declined(Exception):
    """The provider answered that it does not do this."""


class NotKnown(Declined):
    """The provider does not take the client id and the secret that we signed ourselves in with."""


@dataclass(frozen=True)
class Question:
    """One question; with a form it is a POST."""

    url: str
    form: tuple[tuple[str, str], ...] | None = None
    basic: tuple[str, str] | None = None
    """Whom the client says to be, and its secret."""
    bearer: str | None = None
    """The access token of somebody whom it is about."""

    def request(self) -> urllib.request.Request:
        body = None if self.form is None else urlencode(self.form).encode()
        asked = urllib.request.Request(self.url, body, {"Accept": "application/json"})  # noqa: S310 - `ask` looked at the scheme
        if self.bearer is not None:
            asked.add_unredirected_header("Authorization", f"Bearer {self.bearer}")
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
        raise _refusal(question.url, error, ends) from error
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise Away(f"{question.url} gave no usable answer: {error}") from error
    if not isinstance(found, dict):
        raise Away(f"{question.url} gave no object")
    return found


def _refusal(url: str, error: urllib.error.HTTPError, ends: float) -> Away | Declined:
    """What an answer that is no success means, with the provider's own word for it, where there is one."""
    reason = _reason(error, ends)
    said = f"{url} answered {error.code} {reason}".rstrip()
    if reason in NOT_KNOWN:
        return NotKnown(said)
    return Declined(said) if 400 <= error.code < 500 and error.code != 429 else Away(said)


def _reason(error: urllib.error.HTTPError, ends: float) -> str:
    """The code of the error (RFC 6749, section 5.2); empty where it says none that could be one."""
    try:
        with error:
            told = json.loads(_read(error, ends))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return ""
    reason = told.get("error") if isinstance(told, dict) else None
    return reason if isinstance(reason, str) and re.fullmatch("[a-z_]{1,60}", reason) else ""


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
