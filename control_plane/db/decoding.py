"""JSON from the database, by the parser that reads request bodies: half the time for a row."""

import json
from typing import Any

from pydantic_core import from_json


def decode(text: str | bytes) -> Any:
    """What a JSON text says."""
    try:
        return from_json(text)
    except ValueError:  # halves of surrogate pairs, as a name of a file may have, are read by the standard one alone
        return json.loads(text)
