"""Numbers of bytes as people write them: 20GB, 512MiB, 1.5TB."""

import re
from typing import Any

import click

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?", re.IGNORECASE)


class Bytes(click.ParamType[int]):
    """A number of bytes, with or without a unit."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = WRITTEN.fullmatch(str(value).strip())
        if found is None or found[2].upper() not in UNITS:
            self.fail(f"{value} is no size; write it as 20GB or 512MiB", param, ctx)
        return int(float(found[1]) * UNITS[found[2].upper()])


BYTES = Bytes()
"""The type of an option that takes a size."""


def in_words(count: float | None) -> str:
    """A number of bytes in decimal units: 141 GB."""
    if not count:
        return ""
    unit = next((one for one in ("T", "G", "M", "K") if count >= UNITS[one]), "")
    return f"{count / UNITS[unit]:.3g} {'k' if unit == 'K' else unit}B"
