"""Free JSON from callers: what may be kept, and when two values are the same."""

import json
from collections.abc import Mapping
from typing import Any

from store_client.errors import BadRequest


def to_json(value: Mapping[str, Any]) -> str:
    """The value as JSON text that any reader can read back; BadRequest when it holds what JSON cannot."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the payload cannot be kept: {error}") from error
    return text


def is_same(first: Any, second: Any) -> bool:
    """Equality of JSON values: numbers by value, and never a boolean for a number."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(is_same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_same, first, second))
    return bool(first == second)
