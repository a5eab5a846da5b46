"""Secrets between the act that made them and the one page that shows them: held here for a moment, given out once."""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

SECONDS = 300
MOST = 100


@dataclass(frozen=True)
class Token:
    """A new token of a worker."""

    worker_id: str
    name: str
    bearer: str


@dataclass(frozen=True)
class Held:
    session: str
    token: Token
    until: float


@dataclass
class Envelopes:
    """Tokens that wait for their page; only the session that had one made gets it, once, and soon."""

    _held: OrderedDict[str, Held] = field(default_factory=OrderedDict)

    def put(self, session: str, token: Token) -> str:
        """Hold a token; the name of its envelope, which tells nothing."""
        while len(self._held) >= MOST:
            self._held.popitem(last=False)
        name = secrets.token_urlsafe(16)
        self._held[name] = Held(session, token, time.monotonic() + SECONDS)
        return name

    def take(self, session: str, name: str) -> Token | None:
        """The token of an envelope, which is empty from now on; None when it was shown, is too old or is not theirs."""
        held = self._held.get(name)
        if held is None or held.session != session:
            return None
        del self._held[name]
        return held.token if held.until > time.monotonic() else None
