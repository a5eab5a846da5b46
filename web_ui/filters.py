"""How values read on a page: times, durations, figures, sizes and ids."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlencode

Moment = datetime | str
Direction = Literal["maximize", "minimize"]

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

MINUTE, HOUR, DAY = 60, 3600, 86_400
SPANS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"))
SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def as_moment(moment: Moment) -> datetime:
    """A moment as an aware UTC datetime; text without an offset is UTC."""
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def iso(moment: Moment) -> str:
    """The machine-readable form of a moment, for <time datetime>."""
    return as_moment(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(moment: Moment) -> str:
    """The whole moment for a title: 2025-11-21 08:44:12 UTC."""
    return as_moment(moment).strftime("%Y-%m-%d %H:%M:%S UTC")


def age(moment: Moment, now: Moment) -> str:
    """The distance between two moments in one unit (12 s, 3 min, 5 d), or the date when over a month."""
    then = as_moment(moment)
    seconds = abs((as_moment(now) - then).total_seconds())
    if seconds >= 30 * DAY:
        return f"{then.day} {then:%b %Y}"
    for size, unit in SPANS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def ago(moment: Moment, now: Moment) -> str:
    """A moment as people say it: just now, 12 s ago, in 3 min, 4 Mar 2025."""
    seconds = (as_moment(now) - as_moment(moment)).total_seconds()
    if -1 < seconds < 5:
        return "just now"
    words = age(moment, now)
    if abs(seconds) >= 30 * DAY:
        return words
    return f"{words} ago" if seconds > 0 else f"in {words}"


def duration(seconds: float | None) -> str:
    """A length of time in at most two units: 0.4 s, 41 s, 2 min 14 s, 3 d 4 h."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s".replace(".0 s", " s")
    whole = int(seconds)
    for (size, unit), (below, unit_below) in zip(SPANS, (*SPANS[1:], (1, "s")), strict=True):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit} {rest} {unit_below}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def figure(value: float | str | None, digits: int = 5) -> str:
    """A number at reading precision: 1,797 · 0.9811 · 2.6359 · 0.00123 · 1.2e-07; text passes through."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    return _real(value, digits).replace("-", MINUS, 1) if value < 0 else _real(value, digits)


def _real(value: float, digits: int) -> str:
    size = abs(value)
    if size == 0 or not math.isfinite(value):
        return "0" if size == 0 else str(value)
    power = math.floor(math.log10(size))
    if power < -5 or power > 9:
        return f"{value:.3g}"
    if power < -2:
        return f"{value:.{2 - power}f}".rstrip("0")
    return f"{value:,.{max(digits - max(power + 1, 1), 0)}f}"


def delta(value: float | None, digits: int = 5) -> str:
    """A difference with its sign: +0.0367, or ±0."""
    if value is None:
        return NOTHING
    if value == 0:
        return "±0"
    return ("+" if value > 0 else "") + figure(value, digits)


def is_better(value: float, direction: Direction) -> bool:
    """Whether a difference in the objective goes the wanted way."""
    return value > 0 if direction == "maximize" else value < 0


def size(count: float | None) -> str:
    """A number of bytes in decimal units: 950 B, 1.5 kB, 141 GB."""
    if count is None:
        return NOTHING
    amount, unit = float(count), 0
    while abs(amount) >= 999.5 and unit < len(SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {SIZES[unit]}" if unit and amount < 9.95 else f"{amount:.0f} {SIZES[unit]}"


def short_id(identifier: str) -> str:
    """The end of an id, where ids made close together still differ: exp_…7k2m9q."""
    kind, mark, rest = identifier.rpartition("_")
    return f"{kind}{mark}…{rest[-6:]}" if len(rest) > 10 else identifier


def short_commit(sha: str | None) -> str:
    """The first seven digits of a commit."""
    return sha[:7] if sha else NOTHING


def plural(count: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: 1 job, 12 jobs, 3 queries."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def ordinal(place: int) -> str:
    """A place in a row: 1st, 2nd, 13th."""
    suffix = "th" if place % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{suffix}"


def with_query(href: object, **fields: str | int | None) -> str:
    """An address with the given query fields; absent ones are left out."""
    query = urlencode({name: field for name, field in fields.items() if field is not None})
    return f"{href}?{query}" if query else str(href)


FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "iso": iso,
        "exact": exact,
        "age": age,
        "ago": ago,
        "duration": duration,
        "figure": figure,
        "delta": delta,
        "size": size,
        "short_id": short_id,
        "short_commit": short_commit,
        "plural": plural,
        "ordinal": ordinal,
        "with_query": with_query,
    },
)
