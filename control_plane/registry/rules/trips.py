"""A browser's trip to the OpenID Connect provider and back: everything about it follows from one ticket.

The browser keeps the ticket, the provider sees the state, the nonce and the challenge, and none of them tells another.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from control_plane.registry.rules import lifetimes

LASTS = timedelta(minutes=10)
MARK = "~"


@dataclass(frozen=True)
class Trip:
    """One trip; `digest` is the deployment's keyed hash, so that nobody else makes a ticket with its state."""

    ticket: str
    digest: Callable[[str], str]

    @classmethod
    def begin(cls, now: str, secret: str, digest: Callable[[str], str]) -> "Trip":
        return cls(f"{lifetimes.after(now, LASTS)}{MARK}{secret}", digest)

    @property
    def expires_at(self) -> str:
        return self.ticket.partition(MARK)[0]

    @property
    def state(self) -> str:
        """What the provider sends back with the browser."""
        return self.digest(f"provider state {self.ticket}")

    @property
    def nonce(self) -> str:
        """What the provider writes into the token."""
        return self.digest(f"provider nonce {self.ticket}")

    @property
    def verifier(self) -> str:
        """What proves that whoever trades the code in is who asked for it (RFC 7636)."""
        return self.digest(f"provider verifier {self.ticket}")

    @property
    def challenge(self) -> str:
        hashed = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()

    def is_good(self, state: str, now: str) -> bool:
        """Whether this deployment began the trip, this is the state that went along, and it is not too long ago."""
        return hmac.compare_digest(self.state.encode(), state.encode()) and now < self.expires_at
