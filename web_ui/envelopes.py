"""Secrets between the act that made them and the one page that shows them: with the browser, in two halves.

One half is in a cookie that ends with the page, the other in the page's address; either alone says nothing. So every
console of a deployment can open what another one closed, and none has to remember it.
"""

import hashlib
import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

from web_ui.session import Cookies


@dataclass(frozen=True)
class Token:
    """A new token of a worker."""

    worker_id: str
    name: str
    bearer: str


@dataclass(frozen=True)
class Envelopes:
    """Tokens that wait for their page; only the session that had one made can open it, once, and soon."""

    cookies: Cookies

    def put(self, response: Response, session: str, token: Token) -> str:
        """Close a token in; the half that goes into the address."""
        plain = token.bearer.encode()
        pad = secrets.token_bytes(len(plain))
        self.cookies.enclose(response, [_digest(session), token.worker_id, token.name, _mixed(plain, pad).hex()])
        return pad.hex()

    def take(self, connection: HTTPConnection, session: str, half: str) -> Token | None:
        """The token, whose page must clear the cookie; None when it was shown, is too old or is not theirs."""
        held = self.cookies.enclosed(connection)
        if not isinstance(held, list) or len(held) != 4 or held[0] != _digest(session):
            return None
        try:
            bearer = _mixed(bytes.fromhex(held[3]), bytes.fromhex(half)).decode()
        except ValueError:
            return None
        return Token(held[1], held[2], bearer) if bearer.startswith(f"{held[1]}:") else None


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _mixed(one: bytes, other: bytes) -> bytes:
    """Each byte with its own of a pad that is used once; ValueError when one is longer."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
