"""What an ID token must say before it says who somebody is (OpenID Connect Core, section 3.1.3.7), and who that is."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store_client.errors import Forbidden

LEEWAY_SECONDS = 60.0
"""By so much two clocks may differ."""
LATEST = 1e12
"""Seconds of the epoch that no token of ours has to do with."""
LONGEST_SUBJECT = 255
LONGEST_NAME = 120
Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What the token has to be about."""

    issuer: str
    client_id: str
    nonce: str
    now: float
    """Seconds of the epoch."""


@dataclass(frozen=True)
class Vouched:
    """Whom the provider vouches for."""

    subject: str
    """Issuer and subject: who they are for good."""
    name: str
    email: str | None
    """Only one that the provider says it has verified."""


def subject_of(claims: Claims, expected: Expected) -> str:
    """Whom a token whose signature is good vouches for; Forbidden when it is not for us, or not for now."""
    faults = (
        (claims.get("iss") != expected.issuer, "another issuer"),
        (not _is_for(claims, expected.client_id), "another audience"),
        (not _is_now(claims, expected.now), "another time"),
        (not _same(claims.get("nonce"), expected.nonce), "another sign-in"),
    )
    for is_wrong, whose in faults:
        if is_wrong:
            raise Forbidden(f"the provider vouched for somebody, but for {whose}; sign in again")
    subject = text(claims, "sub", LONGEST_SUBJECT)
    if subject is None:
        raise Forbidden("the provider did not say who this is")
    return subject


def vouched(issuer: str, subject: str, said: Sequence[Claims]) -> Vouched:
    """Who a subject is, by the first that says so of what the provider said about them."""
    email = next(filter(None, map(email_of, said)), None)
    name = next(filter(None, map(name_of, said)), None)
    return Vouched(f"{issuer} {subject}", name or email or subject[:LONGEST_NAME], email)


def email_of(claims: Claims) -> str | None:
    """The address that the provider says it has verified."""
    return text(claims, "email", LONGEST_NAME) if claims.get("email_verified") is True else None


def name_of(claims: Claims) -> str | None:
    return text(claims, "name", LONGEST_NAME) or text(claims, "preferred_username", LONGEST_NAME)


def text(claims: Claims, key: str, longest: int) -> str | None:
    """A claim that people can read, without what surrounds it."""
    value = claims.get(key)
    found = value.strip() if isinstance(value, str) else ""
    return found if found and len(found) <= longest and found.isprintable() else None


def _is_for(claims: Claims, client_id: str) -> bool:
    """Whether we are meant: the one audience, or of several the party that asked."""
    audience, party = claims.get("aud"), claims.get("azp")
    several = audience if isinstance(audience, list) else [audience]
    is_alone = several == [client_id]
    return client_id in several and (party == client_id or (party is None and is_alone))


def _is_now(claims: Claims, now: float) -> bool:
    ends, made = _moment(claims.get("exp")), _moment(claims.get("iat"))
    begins = _moment(claims["nbf"]) if "nbf" in claims else made
    if ends is None or made is None or begins is None:
        return False
    return max(made, begins) - LEEWAY_SECONDS <= now < ends + LEEWAY_SECONDS


def _moment(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < LATEST else None


def _same(told: Any, nonce: str) -> bool:
    return isinstance(told, str) and hmac.compare_digest(told.encode(errors="replace"), nonce.encode())
