"""ISO 8601 durations, as policies name them (protocol §12.4)."""

import re
from datetime import timedelta

_AMOUNT = r"\d+(?:\.\d+)?"
_DURATION = re.compile(
    rf"P(?=.)(?:(?P<years>{_AMOUNT})Y)?(?:(?P<months>{_AMOUNT})M)?(?:(?P<weeks>{_AMOUNT})W)?(?:(?P<days>{_AMOUNT})D)?"
    rf"(?:T(?=.)(?:(?P<hours>{_AMOUNT})H)?(?:(?P<minutes>{_AMOUNT})M)?(?:(?P<seconds>{_AMOUNT})S)?)?",
    re.ASCII,
)
_DAYS = {"years": 365.0, "months": 30.0}
"""Calendar units have no fixed length; a policy needs one."""


def parse_duration(text: str) -> timedelta:
    """The length of an ISO 8601 duration; ValueError for anything else, and for zero."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a duration such as PT2H or P1DT30M")
    amounts = {unit: float(amount) for unit, amount in match.groupdict().items() if amount}
    calendar_days = sum(amounts.pop(unit, 0.0) * days for unit, days in _DAYS.items())
    try:
        length = timedelta(**amounts) + timedelta(days=calendar_days)
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is too long") from error
    if length <= timedelta(0):
        raise ValueError("a duration must be longer than zero")
    return length
