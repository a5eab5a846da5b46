"""Places in the list of experiments, as opaque text between two pages."""

import base64
import binascii
import json

from store_client.errors import BadRequest

Place = tuple[int, str, str]


def write(place: Place) -> str:
    """The place after which the next page begins: how it stands, when it was made, and its id."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read(after: str) -> Place:
    """The place that an earlier page named."""
    try:
        standing, created_at, experiment_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return min(max(int(standing), 0), 9), _text(created_at), _text(experiment_id)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise BadRequest("after is not the next of an earlier page") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text")
    value.encode()  # a lone surrogate is no text of a database
    return value
