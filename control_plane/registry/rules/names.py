"""Display names and slugs."""

import re
import unicodedata
from collections.abc import Collection

from store_client.errors import InvalidName
from store_client.wire.scalars import fault_of_name, normal_name

MAX_SLUG = 60


def check(name: str | None) -> str | None:
    """A display name in its stored form; InvalidName when it is ill-formed (protocol §1.5)."""
    if name is None:
        return None
    normal = normal_name(name)
    fault = fault_of_name(normal)
    if fault is not None:
        raise InvalidName(fault)
    return normal


def wanted(name: str) -> str | None:
    """The stored form of a name that is looked for; None when nothing can have it."""
    normal = normal_name(name)
    return None if fault_of_name(normal) else normal


def slug(name: str) -> str:
    """The slug that a name suggests."""
    ascii_only = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:MAX_SLUG].strip("-") or "experiment"


def free_slug(wish: str, taken: Collection[str]) -> str:
    """The wish, or the wish with the first free number after it."""
    if wish not in taken:
        return wish
    number = 2
    while f"{wish}-{number}" in taken:
        number += 1
    return f"{wish}-{number}"
