"""How long credentials of each kind live."""

from datetime import timedelta

from store_client.wire.scalars import format_time, parse_time

SIGN_IN_CODE = timedelta(minutes=15)
SESSION = timedelta(days=14)
TOKEN = timedelta(hours=1)


def after(now: str, lifetime: timedelta) -> str:
    """The moment when something that begins now ends."""
    return format_time(parse_time(now) + lifetime)
