"""Places on the leaderboard, as opaque text between two pages."""

import base64
import binascii
import json
import math
from typing import NamedTuple

from store_client.errors import BadRequest

LONGEST = 200


class Place(NamedTuple):
    """Where a page ended: in which part of the list, by which value, and with which variant."""

    part: int
    key: float | str | None
    number: int


def write(place: Place) -> str:
    """The place as text."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read(text: str) -> Place:
    """The place that an earlier page named."""
    try:
        part, key, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Place(min(max(int(part), 0), 1), _key(key), min(max(int(number), 0), 2**62))
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise BadRequest("after or before is not the place of another page") from error


def _key(key: object) -> float | str | None:
    if isinstance(key, str) and "\x00" not in key and len(key) <= LONGEST:
        key.encode()  # a lone surrogate is no text of a database
        return key
    if isinstance(key, bool) or not (key is None or (isinstance(key, int | float) and math.isfinite(key))):
        raise ValueError("not a key of a place")
    return None if key is None else float(key)
