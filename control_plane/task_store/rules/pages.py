"""Places in a list, as opaque text between two pages."""

import base64
import binascii
import json

from store_client.errors import BadRequest

Place = tuple[float, int]


def write(place: Place) -> str:
    """The place after which the next page begins: a sort key and a number."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read(after: str) -> Place:
    """The place that an earlier page named."""
    try:
        key, number = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return float(key), min(max(int(number), 0), 2**62)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise BadRequest("after is not the next of an earlier page") from error
