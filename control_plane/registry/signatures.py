"""Signatures of ID tokens: the only place that knows JOSE. Every algorithm that is taken is one with public keys."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
KINDS = {f"{family}{bits}": kind for family, kind in FAMILIES.items() for bits in (256, 384, 512)}
CURVES = frozenset({"P-256", "P-384", "P-521"})
PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
LONGEST_TOKEN = 64 * 1024
MOST_KEYS = 64
SMALLEST_MODULUS = 341
"""Characters of base64 that a modulus of 2048 bits has at least."""


class Unsigned(Exception):
    """The token is not one that the provider signed, or none at all."""


class UnknownKey(Exception):
    """No key that the provider had when it was asked last signed the token."""


@dataclass(frozen=True)
class PublicKey:
    kid: str | None
    kind: str
    key: RSAKey | ECKey


def read_keys(document: Any) -> tuple[PublicKey, ...]:
    """The keys of a key set that sign as we take it; others may be there, and are none of ours."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = (_read(one) for one in (listed if isinstance(listed, list) else [])[:MOST_KEYS])
    return tuple(one for one in found if one is not None)


def claims_of(token: str, keys: Iterable[PublicKey]) -> Mapping[str, Any]:
    """What a token says that one of the keys signed."""
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    kind = KINDS.get(algorithm) if isinstance(algorithm, str) else None
    if algorithm is None or kind is None:
        raise Unsigned(f"the token is signed with {str(algorithm)[:20]}, which is not taken")
    fitting = [one for one in keys if one.kind == kind and kid in {None, one.kid}]
    if not fitting:
        raise UnknownKey("the token names a key that the provider does not show")
    for one in fitting:
        try:
            return jwt.decode(token, one.key, algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            continue
    raise UnknownKey("no key that the provider shows signed the token")


def _header(token: str) -> Mapping[str, Any]:
    """The header, read before anything is believed; its key is named by a string."""
    first, _, rest = token.partition(".")
    try:
        header = json.loads(base64.b64decode(first + "=" * (-len(first) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Unsigned("this is no token") from error
    is_one = isinstance(header, dict) and isinstance(header.get("kid"), str | None) and rest.count(".") == 1
    if not is_one or len(token) > LONGEST_TOKEN:
        raise Unsigned("this is no token")
    return dict(header)


def _read(listed: Any) -> PublicKey | None:
    """One key of a set: its public parts alone."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig" or listed.get("kty") not in ("RSA", "EC"):
        return None
    kind, kid = str(listed["kty"]), listed.get("kid")
    parts = {name: listed.get(name) for name in PARTS[kind]}
    if not all(isinstance(part, str) for part in parts.values()) or not isinstance(kid, str | None):
        return None
    return _import(kind, kid, {"kty": kind, **{name: str(part) for name, part in parts.items()}})


def _import(kind: str, kid: str | None, parts: dict[str, str]) -> PublicKey | None:
    if len(parts.get("n", "")) < SMALLEST_MODULUS if kind == "RSA" else parts["crv"] not in CURVES:
        return None
    fields: dict[str, str | list[str]] = dict(parts)
    try:
        key = RSAKey.import_key(fields) if kind == "RSA" else ECKey.import_key(fields)
        return PublicKey(kid, kind, key) if key.public_key is not None else None
    except (JoseError, ValueError, TypeError):
        return None
